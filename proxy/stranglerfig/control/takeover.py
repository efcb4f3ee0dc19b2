"""After a supervisor was killed: its children still serve. Find them, take their sockets, let them finish.

They look for a successor ten times a second and bring their listening sockets along. Who they are stands in the
``serve.json`` that the killed supervisor could not remove.
"""

import asyncio
import socket
from pathlib import Path
from typing import Any

import structlog

from stranglerfig.channel.hub import Link
from stranglerfig.config.scalar import Address
from stranglerfig.control.lock import is_alive
from stranglerfig.control.processes import kill
from stranglerfig.control.sockets import is_at

log = structlog.get_logger(__name__)

ARRIVAL_TIMEOUT_S = 3.0
UNANNOUNCED_S = 0.5  # they look for a supervisor every 0.1 s


def living_orphans(previous: dict[str, Any] | None) -> list[int]:
    """The children of a killed supervisor that still serve, by process id."""
    return [pid for pid in _expected(previous) if _is_ours(pid)]


class Orphans:
    """The children of a supervisor that was killed, as they arrive."""

    def __init__(self, previous: dict[str, Any] | None) -> None:
        self._expected = _expected(previous)
        self._links: list[Link] = []
        self._arrived = asyncio.Event()

    def arrive(self, link: Link) -> None:
        """Take in one child that said hello."""
        self._links.append(link)
        self._arrived.set()

    async def gathered(self) -> list[Link]:
        """Wait for every child that lives, for a few seconds at most; one that hangs is killed."""
        deadline_s = asyncio.get_running_loop().time() + ARRIVAL_TIMEOUT_S
        while missing := self._missing():
            self._arrived.clear()
            left_s = deadline_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                for pid in missing:
                    log.error("orphan_hangs_and_is_killed", pid=pid)
                    kill(pid)
                break
            try:
                # Woken now and then, since one of them may die instead of coming.
                await asyncio.wait_for(self._arrived.wait(), min(left_s, 0.1))
            except TimeoutError:
                continue
        return [link for link in self._links if not link.closed.is_set()]

    async def any_arrivals(self) -> list[Link]:
        """Wait a moment for children that nobody announced."""
        await asyncio.sleep(UNANNOUNCED_S)
        return [link for link in self._links if not link.closed.is_set()]

    def _missing(self) -> list[int]:
        here = {link.hello.pid for link in self._links}
        return [pid for pid in self._expected if pid not in here and _is_ours(pid)]


def adopt(links: list[Link], wanted: Address, slots: int) -> list[socket.socket]:
    """Take over up to ``slots`` sockets that listen where the config wants it; the rest stay with their workers."""
    adopted: list[socket.socket] = []
    for link in links:
        if len(adopted) == slots:
            break
        if link.listener is not None and is_at(link.listener, wanted.host, wanted.port):
            link.listener.setblocking(False)
            adopted.append(link.listener)
            link.listener = None
    return adopted


def next_generation(previous: dict[str, Any] | None, orphans: list[Link]) -> int:
    """One more than anything that a living worker or the killed supervisor used; 1 after a proper stop."""
    written = (previous or {}).get("generation")
    last = written if isinstance(written, int) else 0
    return max([last, *(link.generation for link in orphans)]) + 1


def _expected(previous: dict[str, Any] | None) -> list[int]:
    """The process ids of the predecessor's children."""
    children = (previous or {}).get("children")
    if not isinstance(children, list):
        return []
    return [
        child["pid"]
        for child in children
        if isinstance(child, dict) and type(child.get("pid")) is int
    ]


def _is_ours(pid: int) -> bool:
    """Whether ``pid`` lives and is still what it was: numbers are given out again."""
    if not is_alive(pid):
        return False
    try:
        return b"stranglerfig." in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        # No /proc here; not being ours is rarer than being it, and the wait is short.
        return not Path("/proc").exists()
