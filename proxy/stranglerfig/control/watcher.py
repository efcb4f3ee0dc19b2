"""Notices that a file may have changed: the system's events for speed, a look each second for certainty.

Events alone miss what containers do (a mounted folder whose symlink is swapped, a file system without inotify); the
look alone would take up to a second. Whoever is called decides by content whether anything really changed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from watchfiles import awatch

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
_SETTLE_MS = 10
_DEBOUNCE_MS = 50


class Watcher:
    """Calls ``look`` after each event in the folders of ``path``, and once a second."""

    def __init__(self, path: Path, look: Callable[[], Awaitable[None]]) -> None:
        self._path = path
        self._look = look
        self._noticed = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled; nothing that goes wrong with a look or a folder ends it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_events())
            group.create_task(self._look_again_and_again())

    async def _look_again_and_again(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._noticed.wait()
            except TimeoutError:
                pass
            self._noticed.clear()
            try:
                await self._look()
            except Exception:
                log.exception("look_failed", path=str(self._path))

    async def _follow_events(self) -> None:
        while True:
            try:
                folders = self._folders()
                async for _ in awatch(
                    *folders,
                    watch_filter=None,
                    recursive=False,
                    step=_SETTLE_MS,
                    debounce=_DEBOUNCE_MS,
                    rust_timeout=1000,
                    yield_on_timeout=True,
                ):
                    self._noticed.set()
                    if self._folders() != folders:
                        break  # a symlink leads elsewhere now
            except (OSError, RuntimeError) as error:
                # The folder was removed or the system has no more watches: the look each second goes on alone.
                log.info("events_lost", path=str(self._path), error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    def _folders(self) -> set[Path]:
        folders = {self._path.parent}
        try:
            folders.add(self._path.resolve(strict=True).parent)
        except OSError:
            return folders
        return folders
