"""The processes under the supervisor: worker slots, the comparer, and workers of a predecessor that are draining.

A worker slot is a listening socket, the process that serves it now, and that process's connection. Slot numbers name
counter files too, so a slot of a predecessor's worker is not given out while that worker lives.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from stranglerfig.channel.hub import Hub, Link
from stranglerfig.channel.messages import Drain, LagsMessage, Role, SnapshotMessage, TlsMessage
from stranglerfig.control.processes import KeptProcess, kill
from stranglerfig.logs import LogFormat

log = structlog.get_logger(__name__)

WORKER_MODULE = "stranglerfig.server.worker"
COMPARER_MODULE = "stranglerfig.compare.process"
ACK_TIMEOUT_S = 2.0  # a worker that takes longer hangs: it is killed and started again
REPLACED_TIMEOUT_S = 10.0  # for the one started in its place
COMPARER_DRAIN_S = 2.0
LOOK_EVERY_S = 1.0
# A child reports once a second. Looks are counted and not seconds: they too stand still while the supervisor does.
HUNG_AFTER_LOOKS = 30
DRAIN_MARGIN_S = (
    2.0  # after the deadline a worker closes what is left and hands over its last observations
)


class Seat:
    """One role and slot: the process that fills it, and how to reach it."""

    def __init__(self, role: Role, slot: int, listener: socket.socket | None = None) -> None:
        self.role: Role = role
        self.slot = slot
        self.listener = listener
        self.process: KeptProcess
        self.link: Link | None = None
        self._linked = asyncio.Event()

    @property
    def name(self) -> str:
        """How people call it: ``worker 0``, ``comparer``."""
        return f"worker {self.slot}" if self.role == "worker" else "comparer"

    @property
    def is_taken(self) -> bool:
        """Whether a process sits here: connected, whatever it uses."""
        return self.link is not None and not self.link.closed.is_set()

    @property
    def generation(self) -> int:
        """What it uses now; 0 while nobody sits here."""
        return self.link.generation if self.link is not None and self.is_taken else 0

    @property
    def state(self) -> dict[str, Any]:
        """What it said last of how it is; nothing while nobody sits here."""
        return self.link.state if self.link is not None and self.is_taken else {}

    def sit(self, link: Link) -> None:
        """A process arrived."""
        self.link = link
        self._linked.set()

    async def uses(self, generation: int) -> None:
        """Wait until whoever sits here acknowledged ``generation``, through deaths and restarts."""
        while True:
            link = self.link
            if link is not None and await link.acked(generation):
                return
            if self.link is link:
                self._linked.clear()
                await self._linked.wait()


@dataclass(frozen=True, slots=True)
class Spread:
    """How a generation reached the workers: milliseconds per slot, and who had to be replaced."""

    worker_ms: dict[int, float]
    replaced: tuple[int, ...]
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A predecessor's worker was sent its first generation of ours, and has until then (monotonic) to acknowledge it."""

    generation: int
    until_s: float


def _nothing_known() -> LagsMessage:
    return LagsMessage(lags={})


def _no_tls(_: Role) -> TlsMessage:
    return TlsMessage(shown=[], pems=[])


class Fleet:
    """Starts, feeds, replaces and ends the children."""

    def __init__(
        self,
        hub: Hub,
        *,
        log_format: LogFormat,
        on_death: Callable[[Seat, int], None],
        lags: Callable[[], LagsMessage] = _nothing_known,
        tls: Callable[[Role], TlsMessage] = _no_tls,
    ) -> None:
        """``lags`` gives what a worker is told of before it serves, and ``tls`` what a child in that role is."""
        self.workers: list[Seat] = []
        self.comparer: Seat | None = None
        #: Workers of a predecessor that finish what they have.
        self.leaving: set[Link] = set()
        self._asked: dict[Link, _Asked] = {}
        self._hub = hub
        self._log_format: LogFormat = log_format
        self._on_death = on_death
        self._lags = lags
        self._tls = tls
        self._snapshot: SnapshotMessage | None = None

    def seat(self, link: Link) -> bool:
        """Give a child that said hello its seat and what it must know; False when it is none of ours."""
        for seat in self._seats():
            if (seat.role, seat.slot) == (
                link.hello.role,
                link.hello.slot,
            ) and seat.process.pid in (
                None,
                link.hello.pid,
            ):
                if link.listener is not None:
                    link.listener.close()  # our own, back again
                    link.listener = None
                seat.sit(link)
                link.send(self._lags())
                link.send(self._tls(link.hello.role))
                if self._snapshot is not None:
                    link.send(self._snapshot)
                return True
        return False

    def start_workers(self, listeners: list[socket.socket], snapshot: SnapshotMessage) -> None:
        """Start one worker per socket, in slots that no living worker has."""
        self._snapshot = snapshot
        taken = {link.hello.slot for link in self._hub.links if link.hello.role == "worker"}
        free = (slot for slot in range(1 << 16) if slot not in taken)
        for listener in listeners:
            self.workers.append(self._start("worker", next(free), WORKER_MODULE, listener))

    def start_comparer(self) -> None:
        """Start the comparer; nobody waits for it."""
        self.comparer = self._start("comparer", 0, COMPARER_MODULE, None)

    def _start(self, role: Role, slot: int, module: str, listener: socket.socket | None) -> Seat:
        seat = Seat(role, slot, listener)
        arguments = ["--slot", str(slot)] if role == "worker" else []
        fds: list[int] = []
        if listener is not None:
            fds = [listener.fileno()]
            arguments += ["--listen-fd", str(fds[0])]
        seat.process = KeptProcess(
            seat.name,
            module,
            arguments,
            log_format=self._log_format,
            fds=fds,
            on_exit=lambda code: self._on_death(seat, code),
        )
        seat.process.start()
        return seat

    async def spread(self, snapshot: SnapshotMessage) -> Spread:
        """Send a snapshot to everybody and wait until every worker, also a leaving one that follows us, uses it.

        A worker that doesn't answer in time is killed, and its replacement waited for. The last snapshot again: waits
        for whoever does not use it yet. Two may be on their way at once; the later one answers for both.
        """
        began = time.monotonic()
        if snapshot != self._snapshot:
            self._send(snapshot)
        leaving = asyncio.gather(*(self._left(link, snapshot.generation) for link in self.leaving))
        arrivals = await asyncio.gather(
            *(self._arrive(seat, snapshot.generation, began) for seat in self.workers)
        )
        await leaving
        return Spread(
            worker_ms={slot: ms for slot, ms, _ in arrivals if ms is not None},
            replaced=tuple(slot for slot, _, replaced in arrivals if replaced),
            missing=tuple(slot for slot, ms, _ in arrivals if ms is None),
        )

    def _send(self, snapshot: SnapshotMessage) -> None:
        self._snapshot = snapshot
        for link in [seat.link for seat in self._seats()] + [*self.leaving]:
            if link is not None:
                link.send(snapshot)

    def tell(self, message: LagsMessage) -> None:
        """Let the workers know; nobody waits for it."""
        for seat in self.workers:
            if seat.link is not None and seat.is_taken:
                seat.link.send(message)

    def tell_tls(self) -> None:
        """Let every child know what TLS needs now; nobody waits for it, and what is sent next comes after it."""
        for seat in self._seats():
            if seat.link is not None and seat.is_taken:
                seat.link.send(self._tls(seat.role))

    async def _arrive(
        self, seat: Seat, generation: int, began: float
    ) -> tuple[int, float | None, bool]:
        asked, replaced = seat.process.pid, False
        for timeout_s in (ACK_TIMEOUT_S, REPLACED_TIMEOUT_S):
            try:
                await asyncio.wait_for(seat.uses(generation), timeout_s)
                return seat.slot, round((time.monotonic() - began) * 1000, 1), replaced
            except TimeoutError:
                log.error("worker_did_not_acknowledge", slot=seat.slot, generation=generation)
                # One that is starting, or was started since we began, hangs no more than any other that starts.
                if replaced or (seat.is_taken and seat.process.pid == asked):
                    seat.process.kill()
                replaced = True
        return seat.slot, None, replaced

    async def _left(self, link: Link, generation: int) -> None:
        """Wait for a predecessor's worker, unless it never followed us: one of another version may not be able to.

        What that one has left is little, and it is done with it by the deadline.
        """
        asked = self._asked.get(link)
        if asked is None:
            return
        has_followed = link.generation >= asked.generation
        left_s = ACK_TIMEOUT_S if has_followed else asked.until_s - time.monotonic()
        try:
            await asyncio.wait_for(link.acked(generation), max(left_s, 0.0))
        except TimeoutError:
            if has_followed:
                kill(link.pid)
            else:
                log.warning("predecessor_follows_no_change", pid=link.pid, generation=generation)

    async def ready(self, timeout_s: float) -> bool:
        """Wait until every worker uses the first snapshot."""
        assert self._snapshot is not None
        generation = self._snapshot.generation
        try:
            async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
                for seat in self.workers:
                    group.create_task(seat.uses(generation))
        except TimeoutError:
            return False
        return True

    async def watch(self) -> None:
        """Until cancelled: end children that hang; they are started again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """End who said nothing for so many looks: what it accepted, or would accept, is answered by nobody."""
        for seat in self._seats():
            if seat.link is None or not seat.is_taken:
                continue
            seat.link.silent_looks += 1
            if seat.link.silent_looks == HUNG_AFTER_LOOKS:
                log.error("process_hangs", process=seat.name, pid=seat.process.pid)
                seat.process.kill()

    async def leave(self, link: Link, deadline_s: float) -> None:
        """Let a child that isn't ours finish, and end it when the deadline has passed."""
        self.leaving.add(link)
        if link.hello.role == "worker" and self._snapshot is not None:
            until_s = time.monotonic() + ACK_TIMEOUT_S
            self._asked[link] = _Asked(self._snapshot.generation, until_s)
            link.send(self._snapshot)
        link.send(Drain(deadline=deadline_s))
        try:
            await asyncio.wait_for(link.closed.wait(), deadline_s + DRAIN_MARGIN_S)
        except TimeoutError:
            log.warning("predecessor_killed_at_deadline", role=link.hello.role, pid=link.pid)
            kill(link.pid)
        finally:
            self.leaving.discard(link)
            self._asked.pop(link, None)

    async def stop(self, deadline_s: float) -> None:
        """Let workers finish what they answer, then the comparer what it compares; no process is left."""
        for seat in self.workers:
            if seat.listener is not None:
                # Ours too must go, or the kernel would go on queueing connections that nobody accepts.
                seat.listener.close()
        await asyncio.gather(
            *(self._end(seat, deadline_s) for seat in self.workers),
            *(link.closed.wait() for link in self.leaving),
        )
        if self.comparer is not None:
            await self._end(self.comparer, COMPARER_DRAIN_S)

    async def _end(self, seat: Seat, deadline_s: float) -> None:
        if seat.link is not None and seat.is_taken:
            seat.link.send(Drain(deadline=deadline_s))
            await seat.process.stop(deadline_s + DRAIN_MARGIN_S)
        else:
            await seat.process.stop(0.0)  # it serves nobody yet

    def let_go(self) -> None:
        """Leave everybody to a successor; they serve on and look for it."""
        for seat in self._seats():
            seat.process.let_go()

    def children(self) -> list[dict[str, object]]:
        """Who lives now, for a successor that has to find them."""
        return [
            {"role": seat.role, "slot": seat.slot, "pid": seat.process.pid}
            for seat in self._seats()
            if seat.process.pid is not None
        ]

    def _seats(self) -> list[Seat]:
        return [*self.workers, *([self.comparer] if self.comparer else [])]

    def kill_all(self) -> None:
        """End everybody this instant."""
        for seat in self._seats():
            seat.process.abandon()
        for link in self.leaving:
            kill(link.pid)
