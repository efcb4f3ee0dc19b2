"""Ending everything that a run has started, also what has left its terminal."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable

import psutil

_GRACE_S = 5.0
_KILL_WITHIN_S = 10.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Let every orphan below this process become its child, so that `end_all` finds it (Linux; elsewhere nothing)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Let this process get SIGTERM when its parent is killed (Linux; elsewhere nothing)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end_all(*, spare: Iterable[int] = (), grace_s: float = _GRACE_S) -> None:
    """End every process below this one, but those to `spare`: politely, then by force. Returns when none is left.

    Looks again until there is nothing: what is told to stop may start something meanwhile.
    """
    kept = set(spare)
    begun = time.monotonic()
    asked: set[int] = set()
    while left := _below(kept):
        waited = time.monotonic() - begun
        if waited > grace_s + _KILL_WITHIN_S:
            raise RuntimeError(f"these processes can't be ended: {[one.pid for one in left]}")
        for one in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                if waited > grace_s:
                    one.kill()
                elif one.pid not in asked:
                    one.send_signal(signal.SIGTERM)
                    one.send_signal(signal.SIGCONT)  # a stopped one would not hear it
                    asked.add(one.pid)
        psutil.wait_procs(left, timeout=0.2)
        _reap()


def _below(spare: set[int]) -> list[psutil.Process]:
    living = []
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.pid not in spare and one.status() != psutil.STATUS_ZOMBIE:
                living.append(one)
    return living


def _reap() -> None:
    """Take the exit codes of adopted orphans; nobody else waits for them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
