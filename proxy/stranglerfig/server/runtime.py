"""What all sessions and exchanges of one worker share."""

import asyncio
import base64
import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stranglerfig.config.model import Config
from stranglerfig.http1.failure import Failure
from stranglerfig.http1.forwarded import Network
from stranglerfig.http1.request_parser import HeadLimits
from stranglerfig.http1.trace_context import Tracing
from stranglerfig.routing.recent import Lag
from stranglerfig.routing.snapshot import Snapshot
from stranglerfig.server.access_log import AccessLog
from stranglerfig.server.admission import Admission
from stranglerfig.server.log_lines import Answered, Lines
from stranglerfig.server.meters import Meters
from stranglerfig.server.places import Places
from stranglerfig.server.refusal_lines import RefusalLines
from stranglerfig.server.streams import Streams
from stranglerfig.server.tee import Tee
from stranglerfig.upstream.budget import RetryBudget
from stranglerfig.upstream.deadlines import Deadlines
from stranglerfig.upstream.upstreams import Upstreams

if TYPE_CHECKING:
    from stranglerfig.server.handshake import ClientHandshake
    from stranglerfig.server.session import ClientSession


class Generation:
    """One snapshot and how many exchanges still hold it: when none does, it is no longer used."""

    __slots__ = (
        "allow_dot_segments",
        "budgets",
        "cookie_key",
        "exchanges",
        "lines",
        "snapshot",
        "tracing",
        "trusted",
        "upstreams",
    )

    def __init__(
        self, snapshot: Snapshot, cookie_key: bytes, budgets: Mapping[str, RetryBudget]
    ) -> None:
        """``budgets`` of upstreams that are known already go on being counted in."""
        self.snapshot = snapshot
        self.cookie_key = cookie_key
        self.exchanges = 0
        config = snapshot.config
        self.trusted: Sequence[Network] = config.trusted_proxies
        self.upstreams = config.upstreams
        self.budgets = {name: budgets.get(name) or RetryBudget() for name in config.upstreams}
        self.allow_dot_segments = config.dot_segments == "pass"
        self.tracing = Tracing(config.trace_context.mode, config.trace_context.sampled)
        self.lines = None if config.access_log.format == "none" else Lines(config.access_log)
        """Writes the lines of the access log; None: there is none."""


class Runtime:
    """The running state of one worker's request path."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        snapshot: Snapshot,
        meters: Meters,
        access_log: AccessLog,
        tee: Tee,
        signing_key: bytes | None,
        cookie_key: bytes,
        state_dir: Path,
    ) -> None:
        self.loop = loop
        self.generation = Generation(snapshot, cookie_key, {})
        self.generations = [self.generation]
        self.meters = meters
        self.access_log = access_log
        self.tee = tee
        self.signing_key = signing_key
        config = snapshot.config
        self.limits = config.limits
        self.head_limits = HeadLimits(config.limits.head_size, config.limits.head_fields)
        self.places = Places(config)
        self.admission = Admission(loop, config, key=cookie_key, state_dir=state_dir, meters=meters)
        self.deadlines = Deadlines(loop)
        self.refusal_lines = RefusalLines(loop)
        self.upstreams = Upstreams(
            loop,
            self.deadlines,
            meters.upstream_taken,
            on_poisoned=meters.upstream_poisoned,
            on_opened=meters.upstream_opened,
            on_change=meters.upstream_changed,
            workers=config.worker_count,
        )
        self.upstreams.retain(config.upstreams.values())
        self.lags: Mapping[str, Lag] = {}
        """How far the services are behind, by capability, as far as it is known."""
        self.server_context: ssl.SSLContext | None = None
        """With it clients are spoken to by TLS, from the next one that connects."""
        self.sessions: set[ClientSession | ClientHandshake] = set()
        self.streams = Streams(loop)
        self.is_draining = False
        self.closes_idle = False  # draining, and clients had their moment to learn of it
        self.on_last_session_gone = asyncio.Event()

    @property
    def exchanges(self) -> int:
        """How many requests are being answered; tunnels and streams of events, which have no end of their own, are not."""
        return sum(generation.exchanges for generation in self.generations) - len(self.streams)

    def swap(self, snapshot: Snapshot, cookie_key: bytes) -> None:
        """Let every request that begins from now on use ``snapshot`` and ``cookie_key``."""
        self.generation = Generation(snapshot, cookie_key, self.generation.budgets)
        self.generations = [known for known in self.generations if known.exchanges]
        self.generations.append(self.generation)
        self.upstreams.retain(snapshot.config.upstreams.values())
        self._take_limits(snapshot.config)
        self.streams.reload(self.generation)

    def _take_limits(self, config: Config) -> None:
        """Let the limits of ``config`` hold from now on, also for connections that are open."""
        self.limits = config.limits
        self.head_limits.size = config.limits.head_size
        self.head_limits.fields = config.limits.head_fields
        self.places.take_limits(config)
        self.admission.take(config)

    def log(self, generation: Generation, answered: Answered) -> None:
        """Write a line of the access log as ``generation`` says, which has one."""
        lines = generation.lines
        assert lines is not None
        self.access_log.write(lines.file, lines.line(answered))

    def log_unread(
        self, address: str, request_id: bytes, failure: Failure, sent_bytes: int
    ) -> None:
        """Write a line, if there is a log, for a request whose head could not be read."""
        if self.generation.lines is not None:
            answered = Answered(
                None,
                address,
                request_id,
                status=failure.status or 0,
                sent_bytes=sent_bytes,
                failure=failure.kind,
            )
            self.log(self.generation, answered)


def new_request_id() -> bytes:
    """Make a request id: 32 hexadecimal digits."""
    return os.urandom(16).hex().encode()


def new_user() -> str:
    """Make a value of the cookie fig_user: 22 characters of base64url."""
    return base64.urlsafe_b64encode(os.urandom(16)).decode()[:22]
