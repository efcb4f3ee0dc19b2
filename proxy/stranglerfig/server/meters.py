"""What a worker counts, by the names of ``counters/names.py``, with the cells looked up once."""

from enum import StrEnum

from stranglerfig.config.retries import When
from stranglerfig.counters import CounterBlock, Histogram, names
from stranglerfig.http1.failure import Failure
from stranglerfig.routing.plan import Plan, Reason, Unit
from stranglerfig.signing.wrote import Ignored
from stranglerfig.tls.reasons import HandshakeFailure
from stranglerfig.upstream.retrying import Refusal

NOBODY = "-"  # the label of what no capability claims, and of errors that are no upstream's fault


class Result(StrEnum):
    """How a further attempt, or a fallback, ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    LEFT = "left"  # by the client, or given up for a reason that is no upstream's


class Meters:
    """The counters of one worker's request path."""

    def __init__(self, counters: CounterBlock) -> None:
        self._counters = counters
        self._answered: dict[tuple[object, ...], tuple[tuple[int, ...], Histogram | None]] = {}
        self._cells: dict[tuple[str, ...], int] = {}
        self._units: dict[tuple[str, Unit], int] = {}
        self._taken: dict[tuple[str, bool], int] = {}
        self._of_upstreams: dict[tuple[str, str], Histogram] = {}
        self._connections = counters.cell(names.CONNECTIONS)
        self._client_gone = counters.cell(names.CLIENT_GONE)
        self._minted = counters.cell(names.USERS_MINTED)

    def answered(self, plan: Plan, status: int, elapsed_s: float) -> None:
        """Count one request that got its whole answer, also one that the proxy made for want of another."""
        histogram = self._count(plan, status)
        if histogram is not None:
            histogram.observe(elapsed_s)

    def upgraded(self, plan: Plan) -> None:
        """Count a request that became a tunnel. How long that lasts is no latency."""
        self._count(plan, 101)
        self._add(names.UPGRADES, capability=plan.capability or NOBODY, side=plan.side.value)

    def stream_ended(self, kind: str, reason: str) -> None:
        """Count the end of a tunnel, or of a stream of events that we ended."""
        self._add(names.STREAM_ENDS, kind=kind, reason=reason)

    def head_came(self, upstream: str, seconds: float) -> None:
        """Take the time from a request's head to the head of its answer."""
        self._observe(names.HEAD_DURATION, upstream, seconds)

    def upstream_opened(self, upstream: str, seconds: float) -> None:
        """Take the time that a new upstream connection took to come about."""
        self._observe(names.CONNECT_DURATION, upstream, seconds)

    def connected(self) -> None:
        """Count a client connection."""
        self._counters.add(self._connections)

    def client_gone(self) -> None:
        """Count a request whose client left."""
        self._counters.add(self._client_gone)

    def minted(self) -> None:
        """Count a cookie that was set."""
        self._counters.add(self._minted)

    def refused(self, reason: str) -> None:
        """Count a request that the proxy answered itself."""
        self._add(names.REFUSED, reason=reason)

    def rate_forgotten(self) -> None:
        """Count a client whose rate was forgotten early."""
        self._add(names.RATE_FORGOTTEN)

    def failed(self, upstream: str, failure: Failure) -> None:
        """Count a failed exchange."""
        self._add(names.ERRORS, upstream=upstream, phase=failure.phase.value, kind=failure.kind)

    def retried(self, upstream: str, when: When, result: Result) -> None:
        """Count a further attempt that is over."""
        self._add(names.RETRIES, upstream=upstream, when=when.value, result=result.value)

    def retry_refused(self, upstream: str, refusal: Refusal) -> None:
        """Count a failure that might have been followed by another attempt."""
        self._add(names.RETRIES_REFUSED, upstream=upstream, reason=refusal.value)

    def fell_back(self, capability: str, reason: str, result: Result | Refusal) -> None:
        """Count a failure of a service with a fallback. ``reason``: a failure's kind, or ``status_502``, 503 or 504."""
        self._add(names.FALLBACKS, capability=capability, reason=reason, result=result.value)

    def handshake_failed(self, reason: HandshakeFailure) -> None:
        """Count a client with which no TLS connection came about."""
        self._add(names.HANDSHAKES_FAILED, reason=reason.value)

    def dropped_header(self, reason: str, n: int = 1) -> None:
        """Count request headers that the client may have meant and that went no further."""
        self._add(names.DROPPED_HEADERS, n, reason=reason)

    def cookie_withheld(self) -> None:
        """Count an answer marked for shared caches, on which no cookie may be set."""
        self._add(names.COOKIES_WITHHELD)

    def write_remembered(self) -> None:
        """Count an answer that sets fig_wrote."""
        self._add(names.WRITES_REMEMBERED)

    def write_cookie_withheld(self) -> None:
        """Count an answer to a write that is marked for shared caches, on which no cookie may be set."""
        self._add(names.WRITE_COOKIES_WITHHELD)

    def write_cookie_ignored(self, why: Ignored) -> None:
        """Count a cookie fig_wrote that is not believed."""
        self._add(names.WRITE_COOKIES_IGNORED, reason=why.value)

    def assigned(self, capability: str, unit: Unit) -> None:
        """Count by what a user was recognised when a bucket or a list decided."""
        cell = self._units.get((capability, unit))
        if cell is None:
            cell = self._counters.cell(names.UNITS, capability=capability, unit=unit.value)
            self._units[capability, unit] = cell
        self._counters.cells[cell] += 1

    def upstream_taken(self, upstream: str, is_reused: bool) -> None:
        """Count the use of an upstream connection."""
        cell = self._taken.get((upstream, is_reused))
        if cell is None:
            use = "reused" if is_reused else "opened"
            cell = self._counters.cell(names.UPSTREAM_CONNECTIONS, upstream=upstream, use=use)
            self._taken[upstream, is_reused] = cell
        self._counters.cells[cell] += 1

    def upstream_poisoned(self, upstream: str) -> None:
        """Count an upstream connection that was given up for bytes that no request asked for."""
        self._add(names.UPSTREAM_CONNECTIONS, upstream=upstream, use="poisoned")

    def upstream_changed(self, upstream: str, change: str) -> None:
        """Count that an address of an upstream became opened, closed, healthy or unhealthy."""
        self._add(names.UPSTREAM_CHANGES, upstream=upstream, change=change)

    def _add(self, name: str, n: int = 1, **labels: str) -> None:
        key = (name, *labels.values())
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = self._counters.cell(name, **labels)
        self._counters.add(cell, n)

    def _observe(self, name: str, upstream: str, seconds: float) -> None:
        histogram = self._of_upstreams.get((name, upstream))
        if histogram is None:
            histogram = Histogram(self._counters, name, upstream=upstream)
            self._of_upstreams[name, upstream] = histogram
        histogram.observe(seconds)

    def _count(self, plan: Plan, status: int) -> Histogram | None:
        """Count an answer by its plan; gives where its time belongs, if it is evidence."""
        kept_out = None if plan.evidence else plan.reason
        key = (plan.capability, plan.stage, plan.side, kept_out, status // 100)
        known = self._answered.get(key)
        if known is None:
            known = self._answered[key] = self._cells_of(plan, status)
        cells, histogram = known
        for cell in cells:
            self._counters.cells[cell] += 1
        return histogram

    def _cells_of(self, plan: Plan, status: int) -> tuple[tuple[int, ...], Histogram | None]:
        capability = plan.capability or NOBODY
        labels = {
            "capability": capability,
            "side": plan.side.value,
            "status": f"{status // 100}xx",
        }
        if plan.reason is Reason.FORCED:
            return (self._counters.cell(names.FORCED, **labels),), None
        stage = plan.stage.value if plan.stage is not None else NOBODY
        requests = self._counters.cell(names.REQUESTS, stage=stage, **labels)
        if plan.reason is Reason.WROTE:
            return (requests, self._counters.cell(names.WROTE, **labels)), None
        histogram = Histogram(
            self._counters, names.DURATION, capability=capability, stage=stage, side=plan.side.value
        )
        return (requests,), histogram
