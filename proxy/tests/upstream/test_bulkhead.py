"""No place at an upstream is given twice, none is lost, and who came first goes first."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stranglerfig.upstream.bulkhead import Bulkhead, share_of


@pytest.mark.parametrize(
    ("count", "workers", "share"),
    [(200, 8, 25), (10, 4, 2), (3, 4, 1), (1, 1, 1), (7, 1, 7)],
)
def test_the_parts_of_all_workers_are_no_more_than_what_is_written_but_one_each(
    count: int, workers: int, share: int
) -> None:
    assert share_of(count, workers) == share
    assert share * workers <= max(count, workers)


def test_who_leaves_lets_the_next_one_in() -> None:
    bulkhead = Bulkhead[str](1, 2)
    assert bulkhead.enter()
    assert [bulkhead.enter(), bulkhead.wait("a"), bulkhead.wait("b"), bulkhead.wait("c")] == [
        False,
        True,
        True,
        False,
    ]
    assert bulkhead.leave() == ["a"]
    bulkhead.give_up("b")
    assert bulkhead.leave() == []
    assert bulkhead.taken == 0


class Requests(RuleBasedStateMachine):
    """Requests that come, wait, leave and give up while the limits change, beside a list that says who is where."""

    def __init__(self) -> None:
        super().__init__()
        self.bulkhead = Bulkhead[int](2, 3)
        self.inside: list[int] = []
        self.queue: list[int] = []
        self.places, self.room, self.last = 2, 3, 0

    def _admit(self, admitted: list[int]) -> None:
        expected = []
        while self.queue and len(self.inside) < self.places:
            expected.append(self.queue.pop(0))
            self.inside.append(expected[-1])
        assert admitted == expected

    @rule()
    def come(self) -> None:
        self.last += 1
        if self.bulkhead.enter():
            assert len(self.inside) < self.places
            assert not self.queue
            self.inside.append(self.last)
            return
        assert len(self.inside) >= self.places
        if self.bulkhead.wait(self.last):
            assert len(self.queue) < self.room
            self.queue.append(self.last)
        else:
            assert len(self.queue) >= self.room

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.inside.remove(data.draw(st.sampled_from(self.inside)))
        self._admit(self.bulkhead.leave())

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.queue))
        self.queue.remove(who)
        self.bulkhead.give_up(who)

    @rule(places=st.integers(1, 6), room=st.integers(0, 4))
    def change(self, places: int, room: int) -> None:
        self.places, self.room = places, room
        self._admit(self.bulkhead.resize(places, room))

    @invariant()
    def every_place_is_somebodys(self) -> None:
        assert self.bulkhead.taken == len(self.inside)
        assert self.bulkhead.waiting == len(self.queue)

    @invariant()
    def nobody_waits_for_a_place_that_is_free(self) -> None:
        assert not self.queue or len(self.inside) >= self.places


TestRequests = Requests.TestCase
TestRequests.settings = settings(max_examples=60, stateful_step_count=40)
