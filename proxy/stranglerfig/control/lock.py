"""Who may write to ``state_dir``: one supervisor, or, while none runs, one command at a time.

The lock is the kernel's (flock) and dies with its holder, so that no stale lock ever needs to be removed by hand. The
file's content only says who holds it.
"""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCK_NAME = "lock"
SERVE_NAME = "serve.json"
_TRIES = 40  # a fifth of a second: somebody who looks holds it for microseconds, again and again
_BETWEEN_TRIES_S = 0.005


class LockedError(RuntimeError):
    """Another process holds ``state_dir``."""

    def __init__(self, state_dir: Path, holder: str) -> None:
        super().__init__(f"{state_dir} is in use by {holder}")
        self.state_dir = state_dir
        self.holder = holder


class StateDirError(RuntimeError):
    """``state_dir`` can't be made or written."""

    def __init__(self, state_dir: Path, error: OSError) -> None:
        super().__init__(f"state_dir {state_dir} can't be used: {error.strerror}")


class StateLock:
    """The held lock; let go by ``release`` or by the end of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def acquire(cls, state_dir: Path, purpose: str) -> "StateLock":
        """Take the lock or raise ``LockedError`` at once; makes ``state_dir``, readable by its owner only.

        Raises ``StateDirError`` where it can't be made or written.
        """
        try:
            state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(state_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateDirError(state_dir, error) from error
        try:
            _lock(fd)
        except BlockingIOError:
            holder = os.pread(fd, 200, 0).decode("utf-8", "replace").strip()
            os.close(fd)
            raise LockedError(state_dir, holder or "another process") from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{purpose} (pid {os.getpid()})\n".encode(), 0)
        return cls(fd)

    def release(self) -> None:
        """Let go."""
        os.close(self._fd)


def _lock(fd: int) -> None:
    """Lock, or raise ``BlockingIOError``: after a few tries, since ``is_locked`` holds it for an instant."""
    for _ in range(_TRIES - 1):
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_BETWEEN_TRIES_S)
    return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_locked(state_dir: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        fd = os.open(state_dir / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # A shared lock: two lookers don't take each other for a holder.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def read_serve(state_dir: Path) -> dict[str, Any] | None:
    """What the running, or the killed, supervisor wrote about itself; ``None`` if it stopped properly or never ran."""
    try:
        data = json.loads((state_dir / SERVE_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def write_serve(state_dir: Path, facts: Mapping[str, Any]) -> None:
    """Say who runs; a reader sees the old or the new text, never half."""
    temporary = state_dir / f".{SERVE_NAME}.tmp"
    temporary.write_text(json.dumps(facts, indent=2) + "\n")
    temporary.replace(state_dir / SERVE_NAME)


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists."""
    if pid <= 0:  # to the system these mean groups of processes
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
