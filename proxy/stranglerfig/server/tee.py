"""The worker's end of the pipe to the comparer: offers what is to be compared, and never waits for it.

The account of a capability has two entries for each exchange, so that a forgotten one shows: ``asked`` when the plan
says that the other side is to be asked, and then exactly one of ``offer`` or ``skip`` when the exchange is over.
``asked = skipped(reason) + teed (+ exchanges under way)``.

Nothing here blocks or raises into the request path. The buffer is bounded: what does not fit, and what is offered while
the comparer is away, is skipped and counted. Counters are cells that outlive the process; what a killed worker
had asked and not finished is counted ``worker_died`` when the slot first counts for that capability again.
"""

import asyncio
import os
from collections.abc import Iterable
from typing import cast

import structlog

from stranglerfig.compare.observation import (
    Observation,
    RecordedRequest,
    RecordedResponse,
    SkipReason,
)
from stranglerfig.compare.wire import SOCKET_NAME, Hello, WireError, encode
from stranglerfig.counters import CounterBlock, names

log = structlog.get_logger(__name__)

MAX_BUFFERED_BYTES = 8 * 1024 * 1024
_FIRST_RETRY_S = 0.05
_LAST_RETRY_S = 2.0


class _Account:
    """The cells of one capability in this worker's slot."""

    __slots__ = ("_counters", "asked", "skipped", "teed")

    def __init__(self, counters: CounterBlock, capability: str) -> None:
        self._counters = counters
        self.asked = counters.cell(names.ASKED, capability=capability)
        self.teed = counters.cell(names.TEED, capability=capability)
        self.skipped = {
            reason: counters.cell(names.TEE_SKIPPED, capability=capability, reason=reason.value)
            for reason in SkipReason
        }
        unfinished = counters.get(self.asked) - counters.get(self.teed)
        unfinished -= sum(counters.get(cell) for cell in self.skipped.values())
        if unfinished > 0:
            counters.add(self.skipped[SkipReason.WORKER_DIED], unfinished)

    def teed_so_far(self) -> int:
        return self._counters.get(self.teed)


class Tee:
    """Hands observations of one worker to the comparer; made once per worker process.

    ``capabilities`` are those whose account may already have entries from a worker before this one; naming them
    makes losses known at the first hello instead of at their next exchange.
    """

    def __init__(
        self,
        slot: int,
        counters: CounterBlock,
        *,
        capabilities: Iterable[str] = (),
        path: str = SOCKET_NAME,
        max_buffered_bytes: int = MAX_BUFFERED_BYTES,
    ) -> None:
        self._slot = slot
        self._counters = counters
        self._path = path
        self._max_buffered_bytes = max_buffered_bytes
        self._accounts: dict[str, _Account] = {}
        for capability in capabilities:
            self._account(capability)
        self._fresh = True
        self._transport: asyncio.WriteTransport | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    @property
    def is_connected(self) -> bool:
        """Whether an observation offered now would reach the pipe, if it fits."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def buffered_bytes(self) -> int:
        """Bytes that wait in this process because the comparer does not read."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def start(self) -> None:
        """Connect, and keep connected, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._stay_connected(), name="tee")

    async def close(self, deadline_s: float = 1.0) -> None:
        """Hand over what is buffered, for at most ``deadline_s`` seconds, and disconnect for good."""
        if self._task is None:
            return
        self._is_closing = True
        transport, self._transport = self._transport, None  # from now on offers are skipped
        if transport is not None:
            transport.close()  # writes what is buffered first
            done, _ = await asyncio.wait({self._task}, timeout=deadline_s)
            if not done:
                transport.abort()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def asked(self, capability: str) -> None:
        """Count that an exchange is to be compared. Exactly one ``offer`` or ``skip`` must follow."""
        self._counters.add(self._account(capability).asked)

    def skip(self, capability: str, reason: SkipReason) -> None:
        """Count that the exchange is not handed over, and why."""
        self._counters.add(self._account(capability).skipped[reason])

    def offer(
        self,
        *,
        request_id: str,
        generation: int,
        capability: str,
        route: str,
        stage: str,
        side: str,
        answered_by: str,
        other: str,
        request: RecordedRequest,
        response: RecordedResponse,
        started_at: float,
        elapsed_s: float,
    ) -> bool:
        """Hand one finished exchange over, or skip and count it; never waits and never raises.

        True when it was put into the pipe. The fields are those of ``Observation``.
        """
        account = self._account(capability)
        transport = self._transport
        if transport is None or transport.is_closing():
            return self._skipped(account, SkipReason.COMPARER_AWAY)
        # Looked at before encoding: a full buffer must not cost the worker a copy of the bodies.
        size = len(request.body) + len(response.body)
        if transport.get_write_buffer_size() + size > self._max_buffered_bytes:
            return self._skipped(account, SkipReason.QUEUE_FULL)
        try:
            frame = encode(
                Observation(
                    slot=self._slot,
                    sequence=account.teed_so_far() + 1,
                    request_id=request_id,
                    generation=generation,
                    capability=capability,
                    route=route,
                    stage=stage,
                    side=side,
                    answered_by=answered_by,
                    other=other,
                    request=request,
                    response=response,
                    started_at=started_at,
                    elapsed_s=elapsed_s,
                )
            )
        except WireError as error:
            log.warning("observation_not_sent", capability=capability, error=str(error))
            return self._skipped(account, SkipReason.TEE_ERROR)
        # Counted before it is written: a kill in between is a gap that the next hello shows.
        self._counters.add(account.teed)
        transport.write(frame)
        return True

    def _skipped(self, account: _Account, reason: SkipReason) -> bool:
        self._counters.add(account.skipped[reason])
        return False

    def _account(self, capability: str) -> _Account:
        account = self._accounts.get(capability)
        if account is None:
            account = self._accounts[capability] = _Account(self._counters, capability)
        return account

    async def _stay_connected(self) -> None:
        retry_s = _FIRST_RETRY_S
        loop = asyncio.get_running_loop()
        while True:
            closed: asyncio.Future[None] = loop.create_future()
            try:
                await loop.create_unix_connection(lambda: _Pipe(self, closed), self._path)  # noqa: B023
            except OSError:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, _LAST_RETRY_S)
                continue
            await closed
            if self._is_closing:
                return
            # A comparer that accepts and hangs up at once must not be hammered either.
            retry_s = _FIRST_RETRY_S
            await asyncio.sleep(retry_s)

    def connected(self, transport: asyncio.WriteTransport) -> None:
        """Say hello on a new connection and use it from now on."""
        if self._is_closing:
            transport.abort()
            return
        teed = tuple((name, account.teed_so_far()) for name, account in self._accounts.items())
        transport.write(encode(Hello(self._slot, os.getpid(), self._fresh, teed)))
        self._fresh = False
        self._transport = transport

    def disconnected(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection that is gone; what it had buffered shows as a gap in the sequence."""
        if self._transport is transport:
            self._transport = None


class _Pipe(asyncio.Protocol):
    """One connection to the comparer, which never speaks."""

    def __init__(self, tee: Tee, closed: "asyncio.Future[None]") -> None:
        self._tee = tee
        self._closed = closed
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, since uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._tee.connected(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._tee.disconnected(self._transport)
        if not self._closed.done():
            self._closed.set_result(None)
