"""How requests spread over addresses. Whatever is drawn is drawn from a seed, so that each run sees the same."""

import random
from collections import Counter, deque
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.upstream.choice import least_requests, round_robin
from stranglerfig.upstream.peer import Peer

SEED = 20010801


def peers(n: int) -> list[Peer]:
    return [Peer((f"10.0.0.{number}", 80, f"10.0.0.{number}")) for number in range(n)]


def never() -> float:
    raise AssertionError("nothing is left to chance here")


@given(st.lists(st.integers(0, 50), min_size=2, max_size=40), st.integers(0, 10**6), st.integers())
def test_of_the_two_that_are_looked_at_the_less_busy_is_taken(
    busy: list[int], turn: int, seed: int
) -> None:
    known = peers(len(busy))
    for peer, under_way in zip(known, busy, strict=True):
        peer.under_way = under_way
    first = known[turn % len(known)]
    taken = least_requests(known, turn, random.Random(seed).random)
    assert taken.under_way <= first.under_way
    assert taken is first or taken.under_way < first.under_way
    if busy.count(max(busy)) == 1:
        assert taken.under_way < max(busy), "the only busiest is never taken"


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99))
def test_of_two_addresses_the_less_busy_is_taken_and_of_equals_the_one_whose_turn_it_is(
    left: int, right: int, turn: int
) -> None:
    known = peers(2)
    known[0].under_way, known[1].under_way = left, right
    expected = turn % 2 if left == right else int(right < left)
    assert least_requests(known, turn, never) is known[expected]


@given(st.integers(2, 30), st.integers(0, 1000))
def test_each_in_turn_whatever_is_under_way(n: int, turn: int) -> None:
    known = peers(n)
    known[turn % n].under_way = 1000
    assert round_robin(known, turn, never) is known[turn % n]


@pytest.mark.parametrize("n", [2, 3, 7, 50])
def test_where_none_is_busier_all_get_exactly_the_same(n: int) -> None:
    known, chance = peers(n), random.Random(SEED).random
    one_by_one = Counter(least_requests(known, turn, chance) for turn in range(20 * n))
    assert set(one_by_one.values()) == {20}
    for turn in range(20 * n):  # all at once: none ends before the last has begun
        least_requests(known, turn, chance).under_way += 1
    assert {peer.under_way for peer in known} == {20}


def served(n: int, times: list[int], requests: int) -> Counter[int]:
    """Who gets how many of ``requests``, one a tick, when an answer of address i takes ``times[i]`` ticks."""
    known, chance = peers(n), random.Random(SEED).random
    ends: dict[int, deque[Peer]] = {}
    got: Counter[int] = Counter()
    for tick in range(requests):
        for peer in ends.pop(tick, ()):
            peer.under_way -= 1
        taken = known.index(least_requests(known, tick, chance))
        got[taken] += 1
        known[taken].under_way += 1
        ends.setdefault(tick + times[taken], deque()).append(known[taken])
    return got


def within_five_sigma(n: int, share: float) -> tuple[float, float]:
    """The bounds in which a binomial count of ``n`` lies but for once in about two million."""
    slack = 5 * sqrt(n * share * (1 - share))
    return n * share - slack, n * share + slack


@pytest.mark.parametrize("n", [4, 10, 25])
def test_an_address_that_answers_errors_at_once_gets_two_shares_and_not_everything(n: int) -> None:
    # It never has anything under way when it is looked at, all others always have: it wins whenever it is one of the two,
    # which it is in two of n draws. Comparing all would give it every request.
    requests = 40_000
    got = served(n, [1] + [n * 20] * (n - 1), requests)
    low, high = within_five_sigma(requests, 2 / n)
    assert low < got[0] < high


def test_who_is_four_times_as_slow_gets_much_less() -> None:
    requests = 40_000
    got = served(10, [400] + [100] * 9, requests)
    others = [got[number] for number in range(1, 10)]
    # A fair share of the work, not of the requests, would be a quarter; each in turn would be all of a share.
    assert 0.2 * min(others) < got[0] < 0.5 * min(others)
    assert max(others) - min(others) < 0.06 * requests / 10


def test_the_fullest_of_a_thousand_is_hardly_fuller_than_the_others() -> None:
    # Mitzenmacher: with one draw the fullest of n has about ln n / ln ln n (here 3.6 more than the mean), with the better
    # of two ln ln n / ln 2 + O(1).
    n, requests = 1000, 100_000
    rng = random.Random(SEED)
    known = peers(n)
    under_way: deque[Peer] = deque()
    for turn in range(requests):
        taken = least_requests(known, turn, rng.random)
        taken.under_way += 1
        under_way.append(taken)
        if len(under_way) > n:  # one for each on average; which one ends is left to chance
            at = rng.randrange(len(under_way))
            under_way[at].under_way -= 1
            under_way[at] = under_way[-1]
            under_way.pop()
    assert max(peer.under_way for peer in known) <= 4
