"""Refuses to start where a port is taken or another demo runs, and says which."""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from demo.failure import DemoError


def hold_lock(state_dir: Path) -> IO[str]:
    """Take the demo's lock; it is held until the returned file is closed or the process ends.

    Raises DemoError naming the process that holds it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    lock = (state_dir / "demo.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise DemoError(
            f"a demo runs already (process {holder}). End it with Ctrl-C in its terminal, "
            f"or with: kill {holder}"
        ) from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def check_ports_are_free(wanted: dict[str, int]) -> None:
    """Raise DemoError naming every port that somebody else listens on."""
    taken = [f"{port} (for {name})" for name, port in wanted.items() if _is_taken(port)]
    if taken:
        raise DemoError(
            f"ports taken on 127.0.0.1: {', '.join(taken)}. "
            "End what listens there (ss -ltnp shows it) and start again."
        )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: an address whose connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
