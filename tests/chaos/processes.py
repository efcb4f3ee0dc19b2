"""Processes as the kernel sees them: their connections, and whether they have ended."""

import os
import signal
from pathlib import Path

from crowd.accounts import wait_until

_ESTABLISHED = "01"


def pids(children: list[dict[str, object]], role: str) -> list[int]:
    """Of the children in serve.json."""
    return [int(str(child["pid"])) for child in children if child["role"] == role]


def has_ended(pid: int) -> bool:
    """Its sockets are closed when this is true, also if nobody has waited for it yet.

    While another of its threads still ends, the first is a zombie already, and the sockets are open (proc(5)).
    """
    process = Path(f"/proc/{pid}")
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        threads = list((process / "task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX" and len(threads) <= 1


def kill(pid: int) -> None:
    """Give it no chance to say goodbye; returns when it is gone."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: has_ended(pid))


def connections_at(pid: int, port: int) -> int:
    """How many clients this process has accepted on `port` and is connected to."""
    own = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return sum(
        each[3] == _ESTABLISHED
        and int(each[1].rpartition(":")[2], 16) == port
        and f"socket:[{each[9]}]" in own
        for each in fields
    )
