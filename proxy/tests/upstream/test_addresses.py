"""Which address of a name the next request goes to."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.upstream.addresses import AVOID_S, Addresses


def known(*found: str) -> Addresses:
    addresses = Addresses()
    assert addresses.learn(found) is bool(found)
    return addresses


def picked(addresses: Addresses, times: int, now: float = 0) -> Counter[str | None]:
    return Counter(addresses.pick(now) for _ in range(times))


def test_nothing_is_picked_before_anything_is_known() -> None:
    assert known().pick(0) is None


def test_each_gets_the_same_share_when_nothing_is_under_way() -> None:
    assert picked(known("10.0.0.1", "10.0.0.2", "10.0.0.3"), 300) == {
        "10.0.0.1": 100,
        "10.0.0.2": 100,
        "10.0.0.3": 100,
    }


def test_the_least_used_is_picked() -> None:
    addresses = known("10.0.0.1", "10.0.0.2")
    addresses.use("10.0.0.1")
    assert picked(addresses, 10) == {"10.0.0.2": 10}
    addresses.use("10.0.0.2")
    addresses.use("10.0.0.2")
    assert picked(addresses, 10) == {"10.0.0.1": 10}
    addresses.release("10.0.0.2")
    addresses.release("10.0.0.2")
    assert picked(addresses, 10) == {"10.0.0.2": 10}


def test_whose_turn_it_is_does_not_hang_on_the_order_in_which_they_were_found() -> None:
    addresses = known("10.0.0.1", "10.0.0.2")
    seen = []
    for _ in range(4):
        assert addresses.learn(["10.0.0.2", "10.0.0.1"]) is False
        seen.append(addresses.pick(0))
        assert addresses.learn(["10.0.0.1", "10.0.0.2"]) is False
    assert Counter(seen) == {"10.0.0.1": 2, "10.0.0.2": 2}


def test_what_comes_is_picked_and_what_goes_is_not() -> None:
    addresses = known("10.0.0.1")
    assert addresses.learn(["10.0.0.1", "10.0.0.2"]) is True
    assert set(picked(addresses, 10)) == {"10.0.0.1", "10.0.0.2"}
    assert addresses.learn(["10.0.0.2"]) is True
    assert picked(addresses, 10) == {"10.0.0.2": 10}
    assert "10.0.0.1" not in addresses


def test_where_no_connection_came_about_is_avoided_for_a_while() -> None:
    addresses = known("10.0.0.1", "10.0.0.2")
    addresses.avoid("10.0.0.1", now=100)
    assert picked(addresses, 10, now=100 + AVOID_S - 0.1) == {"10.0.0.2": 10}
    assert set(picked(addresses, 10, now=100 + AVOID_S)) == {"10.0.0.1", "10.0.0.2"}


def test_where_all_are_avoided_all_are_tried() -> None:
    addresses = known("10.0.0.1", "10.0.0.2")
    for address in ("10.0.0.1", "10.0.0.2"):
        addresses.avoid(address, now=0)
    assert set(picked(addresses, 10)) == {"10.0.0.1", "10.0.0.2"}


def test_an_address_that_went_and_came_back_is_not_avoided() -> None:
    addresses = known("10.0.0.1", "10.0.0.2")
    addresses.avoid("10.0.0.1", now=0)
    addresses.learn(["10.0.0.2"])
    addresses.learn(["10.0.0.1", "10.0.0.2"])
    assert set(picked(addresses, 10)) == {"10.0.0.1", "10.0.0.2"}


def test_only_the_family_that_the_system_prefers_is_spread_over() -> None:
    addresses = known("::1", "127.0.0.1")
    assert picked(addresses, 10) == {"::1": 10}
    assert addresses.besides("::1") == ["127.0.0.1"]
    addresses.avoid("::1", now=0)
    assert picked(addresses, 10) == {"127.0.0.1": 10}
    assert picked(addresses, 10, now=AVOID_S) == {"::1": 10}


def test_others_are_tried_before_those_that_are_avoided() -> None:
    addresses = known("10.0.0.1", "10.0.0.2", "10.0.0.3")
    addresses.avoid("10.0.0.2", now=0)
    assert addresses.besides("10.0.0.1") == ["10.0.0.3", "10.0.0.2"]


@given(st.lists(st.sampled_from(["use", "release", "avoid", "learn"]), max_size=60), st.data())
def test_whatever_happens_a_known_address_is_picked(steps: list[str], data: st.DataObject) -> None:
    names = [f"10.0.0.{number}" for number in range(1, 5)]
    addresses, used = known(*names), []
    for now, step in enumerate(steps):
        if step == "learn":
            found = data.draw(st.lists(st.sampled_from(names), min_size=1))
            addresses.learn(found)
            assert all(each in addresses for each in found)
        elif step == "release" and used:
            addresses.release(used.pop())
        else:
            address = addresses.pick(float(now))
            assert address is not None
            assert address in addresses
            if step == "use":
                addresses.use(address)
                used.append(address)
            else:
                addresses.avoid(address, float(now))
