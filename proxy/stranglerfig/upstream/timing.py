"""Which deadline applies to a request on a connection, and what has happened when it passes.

Until it is open ``connect``; while the upstream takes no more of a body, and between two pieces of the answer's body, ``idle``;
from the request's end to the answer's head ``response``; none while the client is waited for, to send on or to read on: an
upstream whose answer is not taken may take no more of the body either. Where the client waits for a 100, it is the upstream's
turn as if the request were whole.
"""

import asyncio

from stranglerfig.config.model import Timeouts, Upstream
from stranglerfig.http1.failure import Failure
from stranglerfig.http1.response_parser import ResponseParser
from stranglerfig.upstream.deadlines import NEVER
from stranglerfig.upstream.placement import Placement


class Timing(Placement):
    """How long the upstream of one connection is waited for. A base class, for one object less per connection."""

    __slots__ = (
        "_is_paused",
        "_is_whole",
        "_loop",
        "_parser",
        "_timeouts",
        "_transport",
        "awaits_continue",
        "is_congested",
    )

    def __init__(self, upstream: Upstream, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(upstream)
        self._loop = loop
        self._timeouts: Timeouts = upstream.timeouts
        self._transport: asyncio.Transport | None = None
        self._parser = ResponseParser()
        self._is_whole = False  # all of the request was given
        self.awaits_continue = False
        """Whether nothing of a body was given, and who has it waits for a 100, which no upstream owes (RFC 9110 section 10.1.1)."""
        self._is_paused = False  # no more of the answer is taken
        self.is_congested = False

    def timeout_failure(self) -> Failure:
        """Say what a deadline that passes now would be."""
        if self._transport is None:
            return Failure.CONNECT_TIMEOUT if self.waits_at is None else Failure.QUEUE_TIMEOUT
        if self._parser.response is not None:
            return Failure.BODY_STALLED
        return Failure.RESPONSE_TIMEOUT if self._is_its_turn else Failure.SEND_TIMEOUT

    @property
    def _is_its_turn(self) -> bool:
        """Whether the upstream is the one who must say something."""
        return self._is_whole or self.awaits_continue

    def _wait(self) -> None:
        """Set the deadline of what is waited for now."""
        if self._is_paused:
            self.deadline = NEVER
        elif self.is_congested or (self._is_its_turn and self._parser.response is not None):
            self.deadline = self._loop.time() + self._timeouts.idle_s
        elif self._is_its_turn:
            self.deadline = self._loop.time() + self._timeouts.response_s
        else:
            self.deadline = NEVER
