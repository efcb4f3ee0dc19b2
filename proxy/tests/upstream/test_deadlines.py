"""One timer finds whoever has waited too long."""

import asyncio

from stranglerfig.upstream.deadlines import NEVER, Deadlines


class Waiting:
    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_told = asyncio.Event()

    def on_deadline(self) -> None:
        assert self.deadline == NEVER
        self.is_told.set()


async def test_who_is_due_is_told_once_and_nobody_else() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, tick_s=0.005)
    due, late, never, gone = (
        Waiting(loop.time()),
        Waiting(loop.time() + 0.02),
        Waiting(NEVER),
        Waiting(loop.time()),
    )
    for item in (due, late, never, gone):
        deadlines.add(item)
    deadlines.discard(gone)
    deadlines.start()
    async with asyncio.timeout(5):
        await due.is_told.wait()
        assert not late.is_told.is_set()
        await late.is_told.wait()
    deadlines.stop()
    assert not never.is_told.is_set()
    assert not gone.is_told.is_set()


async def test_one_may_leave_while_another_is_told() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, tick_s=0.005)
    first = Waiting(loop.time())
    first.on_deadline = lambda: (deadlines.discard(first), first.is_told.set())  # type: ignore[method-assign]
    deadlines.add(first)
    deadlines.start()
    async with asyncio.timeout(5):
        await first.is_told.wait()
    deadlines.stop()
