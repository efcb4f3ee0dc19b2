"""The comparer's books: gaps, repetitions, restarts and resets, each with the sum it must leave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.compare.account import Account, accounts_of
from stranglerfig.compare.ledger import Ledger, Skip
from stranglerfig.compare.verdict import Verdict
from stranglerfig.compare.wire import Hello
from stranglerfig.counters import CounterBlock, names


@pytest.fixture
def block(tmp_path: Path) -> Iterator[CounterBlock]:
    block = CounterBlock.open(tmp_path / "comparer.cells")
    yield block
    block.close()


def books(block: CounterBlock, capability: str = "catalog") -> Account:
    counts = {**block.counts(), (names.ASKED, (("capability", capability),)): 1}
    return accounts_of(counts)[capability]


def received(block: CounterBlock, slot: int = 0) -> int:
    return block.get(block.cell(names.RECEIVED, capability="catalog", slot=str(slot)))


def hello(teed: int, *, fresh: bool = False, slot: int = 0) -> Hello:
    return Hello(slot, 1, fresh, (("catalog", teed),))


def test_numbers_in_order_leave_no_loss(block: CounterBlock) -> None:
    ledger = Ledger(block)
    assert all(ledger.receive(0, "catalog", number) for number in (1, 2, 3))
    assert (received(block), books(block).lost) == (3, {})


def test_a_gap_is_lost_in_the_pipe(block: CounterBlock) -> None:
    ledger = Ledger(block)
    ledger.receive(0, "catalog", 1)
    ledger.receive(0, "catalog", 5)
    assert (received(block), books(block).lost) == (5, {"pipe": 3})


def test_a_repeated_number_is_dropped(block: CounterBlock) -> None:
    ledger = Ledger(block)
    assert ledger.receive(0, "catalog", 2)
    assert not ledger.receive(0, "catalog", 2)
    assert not ledger.receive(0, "catalog", 1)
    assert received(block) == 2


@pytest.mark.parametrize(("fresh", "process"), [(True, "worker"), (False, "pipe")])
def test_what_a_hello_says_was_sent_and_never_came_is_lost(
    block: CounterBlock, fresh: bool, process: str
) -> None:
    ledger = Ledger(block)
    ledger.receive(0, "catalog", 1)
    ledger.hello(hello(4, fresh=fresh))
    assert books(block).lost == {process: 3}
    assert ledger.receive(0, "catalog", 5)
    assert books(block).lost == {process: 3}


def test_slots_and_capabilities_are_numbered_apart(block: CounterBlock) -> None:
    ledger = Ledger(block)
    assert ledger.receive(0, "catalog", 1)
    assert ledger.receive(1, "catalog", 1)
    assert ledger.receive(0, "payments", 1)
    assert (received(block, 0), received(block, 1), books(block).lost) == (1, 1, {})


def test_what_was_received_and_not_judged_is_lost_at_the_next_start(block: CounterBlock) -> None:
    ledger = Ledger(block)
    for number in range(1, 9):
        ledger.receive(0, "catalog", number)
    ledger.judged("catalog", Verdict.EQUAL, {})
    ledger.judged("catalog", Verdict.IGNORED, {"rule": 3})
    ledger.no_answer("catalog", "response_timeout")
    ledger.skipped("catalog", Skip.STALE)
    Ledger(block)
    found = books(block)
    assert (found.lost, found.rule_hits, found.no_answer_by) == (
        {"comparer": 4}, {"rule": 3}, {"response_timeout": 1},
    )  # fmt: skip
    Ledger(block)
    assert books(block).lost == {"comparer": 4}


def test_a_worker_whose_counters_were_removed_is_numbered_on(block: CounterBlock) -> None:
    ledger = Ledger(block)
    for number in range(1, 101):
        ledger.receive(0, "catalog", number)
    ledger.hello(hello(0, fresh=True))
    assert ledger.receive(0, "catalog", 1)
    assert ledger.receive(0, "catalog", 2)
    assert (received(block), books(block).lost) == (102, {})
    ledger.hello(hello(3))
    assert ledger.receive(0, "catalog", 4)
    assert (received(block), books(block).lost) == (104, {"pipe": 1})


EVENTS = st.lists(
    st.one_of(
        st.just("offer"), st.just("lose"), st.just("judge"), st.just("kill comparer"), st.just("kill worker"), st.just("reconnect")
    ),
    max_size=40,
)  # fmt: skip


@given(EVENTS)
def test_whatever_happens_in_whatever_order_the_sums_add_up(
    tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    block = CounterBlock.open(tmp_path_factory.mktemp("books") / "comparer.cells", cells=64)
    try:
        ledger = Ledger(block)
        teed = in_hand = 0
        for event in events:
            if event in ("offer", "lose"):
                teed += 1
                if event == "offer":
                    assert ledger.receive(0, "catalog", teed)
                    in_hand += 1
            elif event == "judge" and in_hand:
                in_hand -= 1
                ledger.judged("catalog", Verdict.EQUAL, {})
            elif event == "kill comparer":
                ledger, in_hand = Ledger(block), 0
                ledger.hello(hello(teed))
            elif event in ("kill worker", "reconnect"):
                ledger.hello(hello(teed, fresh=event == "kill worker"))
        ledger.hello(hello(teed))
        found = books(block)
        assert teed == found.equal + sum(found.lost.values()) + in_hand
    finally:
        block.close()
