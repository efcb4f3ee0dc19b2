"""How long one client is waited for, and how slow it may be.

What a client may take its time over is one of these at a time: the next request, the rest of a head, the rest of a body,
its answer, the last bytes before we hang up. Bodies and answers have two bounds: silence, and an average over a window
of the same length, so that a byte now and then holds no connection for ever. Time in which somebody else is waited for
(the upstream that takes no body, or thinks) never counts.
"""

import asyncio
from enum import Enum
from typing import Final, Protocol

from stranglerfig.config.limits import Limits
from stranglerfig.http1.failure import Failure
from stranglerfig.upstream.deadlines import NEVER

# After an answer to half a request, so that it is read before the reset that unread bytes cause.
LINGER_S: Final = 10.0


class Wait(Enum):
    """What the client is waited for."""

    NOTHING = "nothing"
    REQUEST = "request"
    HEAD = "head"
    BODY = "body"
    READER = "reader"  # to take its answer
    FLUSH = "flush"  # to take what is left, and then we hang up
    LINGER = "linger"  # to stop sending what nobody reads


class Client(Protocol):
    """Who is told."""

    def on_too_slow(self, failure: Failure | None) -> None:
        """Be told that the client took too long; None: over the next request, or over its end."""


class Bounds(Protocol):
    """What holds for all clients of a worker; a reload replaces ``limits``."""

    loop: asyncio.AbstractEventLoop
    limits: Limits


class Patience:
    """The deadline of one client; ``deadline`` is swept by ``Deadlines``."""

    __slots__ = (
        "_bounds",
        "_client",
        "_loop",
        "_moved",
        "_silent_at",
        "_transport",
        "_wait",
        "_window_ends",
        "deadline",
    )

    def __init__(self, client: Client, bounds: Bounds, transport: asyncio.WriteTransport) -> None:
        """Wait for the first request. A change of the limits holds from the next wait or window on."""
        self._client = client
        self._bounds = bounds
        self._loop = bounds.loop
        self._transport = transport
        self._moved = 0
        self._silent_at = self._window_ends = NEVER
        self.request()

    def nothing(self) -> None:
        """It is not the client who is waited for."""
        self._wait = Wait.NOTHING
        self.deadline = NEVER

    def request(self) -> None:
        """Wait for the next request."""
        self._wait = Wait.REQUEST
        self.deadline = self._loop.time() + self._bounds.limits.idle_s

    def head(self) -> None:
        """Wait for the rest of a head that has begun."""
        self._wait = Wait.HEAD
        self.deadline = self._loop.time() + self._bounds.limits.head_time_s

    def body(self, count: int) -> None:
        """Wait for more of a body, of which ``count`` bytes just came."""
        self._silent_at = self._loop.time() + self._bounds.limits.stall_s
        if self._wait is Wait.BODY:
            self._moved += count
            self.deadline = self._window_ends  # before which it can't be silent for long enough
        else:
            self._wait = Wait.BODY
            self._begin_window(count)

    def reader(self) -> None:
        """Wait until the client takes its answer: it has left more than the transport should hold."""
        self._wait = Wait.READER
        self._begin_window(self._transport.get_write_buffer_size())

    def wrote(self, count: int) -> None:
        """Know of ``count`` bytes that were handed to the transport while the reader is waited for."""
        self._moved += count

    def flush(self) -> None:
        """Wait until the client has taken what is left."""
        self._wait = Wait.FLUSH
        self._begin_window(self._transport.get_write_buffer_size())

    def linger(self) -> None:
        """Wait a while for the client to read that it was refused."""
        self._wait = Wait.LINGER
        self.deadline = self._loop.time() + LINGER_S

    def _begin_window(self, moved: int) -> None:
        self._moved = moved
        self._window_ends = self.deadline = self._loop.time() + self._bounds.limits.stall_s

    def on_deadline(self) -> None:
        """Look whether the client moved enough to be given more time."""
        wait = self._wait
        if wait is Wait.BODY:
            self._look_at_body()
        elif wait is Wait.READER or wait is Wait.FLUSH:
            self._look_at_reader(None if wait is Wait.FLUSH else Failure.CLIENT_STALLED)
        else:
            self._client.on_too_slow(Failure.HEAD_TIMEOUT if wait is Wait.HEAD else None)

    def _look_at_body(self) -> None:
        now = self._loop.time()
        if now < self._window_ends or now >= self._silent_at:
            self._client.on_too_slow(Failure.BODY_TIMEOUT)
        elif self._moved < self._bounds.limits.min_rate * self._bounds.limits.stall_s:
            self._client.on_too_slow(Failure.BODY_TOO_SLOW)
        else:
            self._begin_window(0)
            self.deadline = min(self._silent_at, self._window_ends)

    def _look_at_reader(self, failure: Failure | None) -> None:
        left = self._transport.get_write_buffer_size()
        taken = self._moved - left
        if taken >= max(self._bounds.limits.min_rate * self._bounds.limits.stall_s, 1):
            self._begin_window(left)
        else:
            self._client.on_too_slow(failure)
