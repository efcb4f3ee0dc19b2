"""Whether a socket is read: not while anybody who would have to hold the bytes has a reason against it."""

import asyncio
from enum import Enum


class Hold(Enum):
    """A reason not to read from a client."""

    UPSTREAM = "upstream"  # takes no more of the body
    PIPELINE = "pipeline"  # requests that came already wait for their turn


class ReadGate:
    """Reads from ``transport`` while nobody holds it."""

    __slots__ = ("_holds", "_transport")

    def __init__(self, transport: asyncio.ReadTransport) -> None:
        self._transport = transport
        self._holds: set[Hold] = set()

    def hold(self, reason: Hold) -> None:
        """Stop reading for ``reason``."""
        if not self._holds:
            self._transport.pause_reading()
        self._holds.add(reason)

    def is_held(self, reason: Hold) -> bool:
        """Whether ``reason`` stands against reading."""
        return reason in self._holds

    def release(self, reason: Hold) -> None:
        """Take ``reason`` back; reads again when it was the last."""
        if self._holds:
            self._holds.discard(reason)
            self._read_again()

    def release_all(self) -> None:
        """Read whatever the reasons against it were."""
        if self._holds:
            self._holds.clear()
            self._read_again()

    def _read_again(self) -> None:
        if not self._holds and not self._transport.is_closing():
            self._transport.resume_reading()
