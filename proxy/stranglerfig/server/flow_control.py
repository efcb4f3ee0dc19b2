"""Whether a socket is read: not while anybody who would have to hold the bytes has a reason against it."""

import asyncio
from enum import IntFlag


class Hold(IntFlag):
    """A reason not to read from a client."""

    UPSTREAM = 1  # takes no more of the body
    PIPELINE = 2  # requests that came already wait for their turn


class ReadGate:
    """Reads from ``transport`` while nobody holds it."""

    __slots__ = ("_holds", "_transport")

    def __init__(self, transport: asyncio.ReadTransport) -> None:
        self._transport = transport
        self._holds = 0

    def hold(self, reason: Hold) -> None:
        """Stop reading for ``reason``."""
        if not self._holds:
            self._transport.pause_reading()
        self._holds |= reason

    def release(self, reason: Hold) -> None:
        """Take ``reason`` back; reads again when it was the last."""
        if self._holds & reason:
            self._holds &= ~reason
            if not self._holds and not self._transport.is_closing():
                self._transport.resume_reading()

    def release_all(self) -> None:
        """Read whatever the reasons against it were."""
        self.release(Hold(self._holds))
