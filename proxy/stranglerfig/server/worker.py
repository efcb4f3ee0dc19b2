"""The worker process: routes on one listening socket, obeys the supervisor, and goes on without one.

Started by the supervisor as ``python -m stranglerfig.server.worker --slot N --listen-fd FD`` with ``state_dir`` as
working directory. What it routes by comes over the control channel, secrets included; what it counts goes into the
slot's counter file, where its successor goes on.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import structlog
import uvloop

from stranglerfig import logs
from stranglerfig.channel.child import ChildChannel
from stranglerfig.channel.messages import LagsMessage, SnapshotMessage, TlsMessage
from stranglerfig.config.model import Config
from stranglerfig.counters import COUNTERS_NAME, CounterBlock
from stranglerfig.routing.recent import Lag
from stranglerfig.routing.snapshot import read_snapshot
from stranglerfig.server.data_plane import DataPlane
from stranglerfig.server.tee import Tee
from stranglerfig.tls.contexts import CLIENT_CONTEXTS, Shown, pass_over_bad_names
from stranglerfig.tls.pem import PemError

log = structlog.get_logger(__name__)


class Worker:
    """One worker slot for the life of this process."""

    def __init__(self, slot: int, listener: socket.socket) -> None:
        self._slot = slot
        self._listener = listener
        self._counters = CounterBlock.open(Path(COUNTERS_NAME) / f"worker-{slot}.cells")
        self._plane: DataPlane | None = None
        self._tee: Tee | None = None
        self._lags: dict[str, Lag] = {}
        self._shown: list[Shown] = []
        self._channel = ChildChannel(
            role="worker",
            slot=slot,
            on_snapshot=self._take,
            on_drain=self._drain,
            on_lags=self._learn,
            on_tls=self._learn_tls,
            state=self._state,
            listen_fd=listener.fileno(),
        )

    async def run(self) -> None:
        """Serve until drained."""
        loop = asyncio.get_running_loop()
        # SIGTERM may come from people; without the supervisor it would be the only polite way to end.
        loop.add_signal_handler(signal.SIGTERM, self._channel.drain, 10.0)
        try:
            await self._channel.run()
        finally:
            self._counters.close()

    async def _take(self, message: SnapshotMessage) -> None:
        snapshot = read_snapshot(message.config, message.overrides, message.generation)
        await asyncio.to_thread(_make_contexts, snapshot.config)
        cookie_key = message.cookie_key.encode()
        if self._plane is not None:
            self._plane.swap(snapshot, cookie_key=cookie_key)
            return
        self._tee = Tee(self._slot, self._counters, capabilities=snapshot.config.capabilities)
        self._tee.start()
        self._plane = DataPlane(
            snapshot,
            counters=self._counters,
            tee=self._tee,
            signing_key=None if message.secret is None else message.secret.encode(),
            cookie_key=cookie_key,
        )
        self._plane.learn(self._lags)
        if snapshot.config.tls is not None and not self._shown:
            raise RuntimeError("the config wants TLS, and no certificate was told")
        self._plane.show(self._shown)
        await self._plane.serve(self._listener)

    def _learn(self, message: LagsMessage) -> None:
        """Take what is known of the lags; the first comes before the first snapshot, and so before any request."""
        now_s = time.time()
        self._lags = {
            name: Lag(measured.lag_s, now_s - measured.age_s)
            for name, measured in message.lags.items()
        }
        if self._plane is not None:
            self._plane.learn(self._lags)

    def _learn_tls(self, message: TlsMessage) -> None:
        """Take what TLS needs. The supervisor has looked at it; what is bad all the same changes nothing."""
        CLIENT_CONTEXTS.learn(message.known)
        shown = [Shown(each.certificate, each.key, each.names) for each in message.shown]
        try:
            if self._plane is not None:
                self._plane.show(shown)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            log.error("certificates_not_taken", slot=self._slot, error=str(error))
        else:
            self._shown = shown

    async def _drain(self, deadline_s: float) -> None:
        log.info("draining", slot=self._slot, deadline_s=deadline_s)
        # Ours beside the data plane's: with one of them open the kernel would go on queueing connections.
        self._listener.close()
        if self._plane is not None:
            await self._plane.drain(deadline_s)
        if self._tee is not None:
            await self._tee.close()

    def _state(self) -> dict[str, Any]:
        return {} if self._plane is None else self._plane.state()


def _make_contexts(config: Config) -> None:
    """Read what is believed of upstreams now: it takes its time, which no request should wait for."""
    for upstream in config.upstreams.values():
        if upstream.tls is not None:
            with contextlib.suppress(
                PemError, OSError, ValueError
            ):  # told by the request that needs it
                CLIENT_CONTEXTS.of(upstream.tls)


def main() -> None:
    """Run one worker."""
    parser = argparse.ArgumentParser(description="one worker of fig serve")
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    arguments = parser.parse_args()
    logs.configure(process=f"worker {arguments.slot}", pid=os.getpid())
    # The terminal's Ctrl-C and hang-up are the supervisor's business.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.unraisablehook = pass_over_bad_names
    listener = socket.socket(fileno=arguments.listen_fd)
    listener.setblocking(False)
    uvloop.run(Worker(arguments.slot, listener).run())


if __name__ == "__main__":
    main()
