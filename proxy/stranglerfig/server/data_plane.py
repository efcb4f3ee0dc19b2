"""The request path of one worker: everything between a listening socket and the upstreams."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stranglerfig.counters import CounterBlock
from stranglerfig.routing.recent import Lag
from stranglerfig.routing.snapshot import Snapshot
from stranglerfig.server.access_log import AccessLog
from stranglerfig.server.listener import Listener
from stranglerfig.server.meters import Meters
from stranglerfig.server.runtime import Runtime
from stranglerfig.server.tee import Tee
from stranglerfig.tls.contexts import Shown, digest_of_certificates, server_context

IDLE_GRACE_S = 0.5
CLOSING_S = 1.0  # of the deadline, for tunnels that are told to close
_LAST_LINES_S = 0.5  # for the access log, when all is answered; the supervisor waits 2 s, and the tee takes one of them


class DataPlane:
    """Proxies the connections of one listening socket, in the loop that runs when it is made."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        counters: CounterBlock,
        tee: Tee,
        signing_key: bytes | None,
        cookie_key: bytes,
        state_dir: Path = Path(),
    ) -> None:
        """Without ``signing_key`` no Fig-Force and no Fig-Debug is believed. The tee is started by its owner.

        ``cookie_key`` signs fig_wrote and must not be empty. ``state_dir`` takes what workers share.
        """
        self._runtime = Runtime(
            loop=asyncio.get_running_loop(),
            snapshot=snapshot,
            meters=Meters(counters),
            access_log=AccessLog(asyncio.get_running_loop(), counters),
            tee=tee,
            signing_key=signing_key,
            cookie_key=cookie_key,
            state_dir=state_dir,
        )
        self._listener = Listener(self._runtime)
        self._certificates: str | None = None

    async def serve(self, listening: socket.socket) -> None:
        """Accept on ``listening``, which is bound and stays the caller's; returns when it does."""
        self._runtime.deadlines.start()
        self._runtime.admission.start()
        await self._listener.start(listening)

    def swap(self, snapshot: Snapshot, *, cookie_key: bytes) -> None:
        """Let requests that begin from now on use ``snapshot``; each keeps to its end the one it began with."""
        self._runtime.swap(snapshot, cookie_key)

    def show(self, certificates: Sequence[Shown]) -> None:
        """Speak TLS with clients that connect from now on, and show these; with none speak plainly.

        Those that are connected keep what they have. Raises ``ssl.SSLError`` or ``ValueError``, and changes nothing then.
        """
        self._runtime.server_context = server_context(certificates) if certificates else None
        self._certificates = digest_of_certificates(certificates)

    def learn(self, lags: Mapping[str, Lag]) -> None:
        """Take how far the services are behind now, by capability; replaces what was known."""
        self._runtime.lags = lags

    async def drain(self, deadline_s: float) -> None:
        """Accept no more, answer with ``Connection: close``, wait for what is under way, then close everything.

        Idle connections get a moment first: a request that a client sends just as its connection is closed is lost,
        while one that comes in that moment is answered and closes the connection by agreement (RFC 9112, 9.6).
        Tunnels and streams of events, which have no end of their own, may go on until shortly before the deadline.
        """
        runtime = self._runtime
        self._listener.stop()
        runtime.is_draining = True
        grace_s = min(IDLE_GRACE_S, deadline_s)
        await self._sessions_gone(grace_s)
        runtime.closes_idle = True
        for session in list(runtime.sessions):
            session.drain()
        closing_s = min(CLOSING_S, (deadline_s - grace_s) / 2)
        await self._sessions_gone(deadline_s - grace_s - closing_s)
        runtime.streams.leave_all()
        await self._sessions_gone(closing_s)
        for session in list(runtime.sessions):
            session.abort()
        runtime.upstreams.close()
        runtime.deadlines.stop()
        runtime.admission.close()
        runtime.refusal_lines.close()
        await runtime.access_log.close(_LAST_LINES_S)

    async def _sessions_gone(self, timeout_s: float) -> None:
        """Wait until no client is connected, for at most ``timeout_s`` seconds."""
        runtime = self._runtime
        if runtime.sessions:
            runtime.on_last_session_gone.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await runtime.on_last_session_gone.wait()

    def state(self) -> dict[str, Any]:
        """Tell what is going on, as JSON can hold it."""
        runtime = self._runtime
        return {
            "generation": runtime.generation.snapshot.generation,
            "connections": len(runtime.sessions),
            "exchanges": {
                str(known.snapshot.generation): known.exchanges
                for known in runtime.generations
                if known.exchanges or known is runtime.generation
            },
            **runtime.streams.state(),
            "upstream_connections": runtime.upstreams.state(),
            "draining": runtime.is_draining,
            "certificates": self._certificates,
        }
