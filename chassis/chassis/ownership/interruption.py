"""Ctrl-C and SIGTERM end a command between two transactions, not within one.

A signal is the whole process's, so this is module state. Blocking signals (a mask) would not do: it holds for one
thread, and the kernel hands the signal to any other, such as the one that draws a progress bar.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, as an exception that goes the way of Ctrl-C."""


_RAISED = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: TerminatedError}

_depth = 0
_arrived: int | None = None


@contextmanager
def interruptible() -> Iterator[None]:
    """In the main thread: SIGINT and SIGTERM raise KeyboardInterrupt and TerminatedError, at the next place where they
    may."""
    before = {number: signal.signal(number, _handle) for number in _RAISED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What arrives within is raised at the end of it."""
    global _depth, _arrived
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth and _arrived is not None:
            number, _arrived = _arrived, None
            raise _RAISED[signal.Signals(number)]


def _handle(number: int, frame: FrameType | None) -> None:
    global _arrived
    if not _depth:
        raise _RAISED[signal.Signals(number)]
    _arrived = number
