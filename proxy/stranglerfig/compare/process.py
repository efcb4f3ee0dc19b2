"""The comparer as a process: its control channel, its signals, its end. The comparing is in ``comparer.py``.

Started by the supervisor as ``python -m stranglerfig.compare.process`` with ``state_dir`` as working directory.
"""

import argparse
import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import structlog
import uvloop

from stranglerfig import logs
from stranglerfig.channel.child import ChildChannel
from stranglerfig.channel.messages import SnapshotMessage, TlsMessage
from stranglerfig.compare.comparer import Comparer
from stranglerfig.compare.rules import Rules
from stranglerfig.compare.store import STORE_NAME
from stranglerfig.config.model import Config
from stranglerfig.counters import COUNTERS_NAME, CounterBlock
from stranglerfig.tls.contexts import CLIENT_CONTEXTS

log = structlog.get_logger(__name__)


class ComparerProcess:
    """The comparer for the life of this process."""

    def __init__(self) -> None:
        self._counters = CounterBlock.open(Path(COUNTERS_NAME) / "comparer.cells")
        self._comparer: Comparer | None = None
        self._running: asyncio.Task[None] | None = None
        self._channel = ChildChannel(
            role="comparer",
            slot=0,
            on_snapshot=self._take,
            on_drain=self._drain,
            on_tls=_learn_tls,
            state=self._state,
        )

    async def run(self) -> None:
        """Compare until drained."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._channel.drain, 2.0)
        try:
            await self._channel.run()
        finally:
            self._counters.close()

    async def _take(self, message: SnapshotMessage) -> None:
        config = Config.model_validate(message.config)
        rules = Rules.model_validate(message.rules)
        if self._comparer is not None:
            self._comparer.swap(config, rules, message.secret)
            return
        comparer = Comparer(config, rules, message.secret, Path(STORE_NAME), self._counters)
        self._running = asyncio.create_task(comparer.run(), name="comparer")
        self._running.add_done_callback(self._on_end)
        await comparer.started.wait()
        self._comparer = comparer

    def _on_end(self, running: "asyncio.Task[None]") -> None:
        """A comparer that ends by an error ends its process, and is started again."""
        if not running.cancelled() and (error := running.exception()) is not None:
            log.error("comparer_failed", error=repr(error))
            logs.drain()
            os._exit(1)

    async def _drain(self, deadline_s: float) -> None:
        if self._comparer is not None:
            await self._comparer.drain(deadline_s)

    def _state(self) -> dict[str, Any]:
        return {} if self._comparer is None else self._comparer.state()


def _learn_tls(message: TlsMessage) -> None:
    CLIENT_CONTEXTS.learn(message.known)


def main() -> None:
    """Run the comparer."""
    argparse.ArgumentParser(description="the comparer of fig serve").parse_args()
    logs.configure(process="comparer", pid=os.getpid())
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    uvloop.run(ComparerProcess().run())


if __name__ == "__main__":
    main()
