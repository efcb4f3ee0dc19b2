"""``/metrics``: the cells of every process added up, and what the supervisor alone knows, in Prometheus' text form."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.registry import Collector

from stranglerfig import __version__
from stranglerfig.config.model import Stage
from stranglerfig.control.status import View
from stranglerfig.counters import Key
from stranglerfig.counters.block import Labels
from stranglerfig.counters.histogram import LE
from stranglerfig.counters.names import BUCKET_SUFFIX, METRICS, SUM_SUFFIX, Metric
from stranglerfig.upstream.breaker import BreakerState
from stranglerfig.upstream.health import HealthState


def render(view: View) -> bytes:
    """Give the whole page."""
    registry = CollectorRegistry()
    registry.register(_Collector(view))
    ProcessCollector(registry=registry)  # the supervisor's own
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, view: View) -> None:
        self._view = view

    def describe(self) -> Iterable[Family]:
        return []  # or else registering would collect once for nothing

    def collect(self) -> Iterator[Family]:
        counts = self._view.counts()
        for metric in METRICS.values():
            yield (
                _histogram(metric, counts) if metric.kind == "histogram" else _cells(metric, counts)
            )
        yield from self._gauges()
        yield from self._processes()

    def _gauges(self) -> Iterator[Family]:
        view = self._view
        running = view.changes.running
        yield _gauge("fig_generation", "Generation of the routing table.", running.generation)
        yield _gauge(
            "fig_config_bad",
            "1 while fig.yaml as it stands is refused and the last good one goes on.",
            int(view.changes.refused is not None),
        )
        yield _gauge("fig_workers", "Worker slots.", len(view.fleet.workers))
        yield _gauge(
            "fig_workers_up",
            "Workers that use the current generation.",
            sum(seat.generation == running.generation for seat in view.fleet.workers),
        )
        comparer = view.fleet.comparer
        yield _gauge(
            "fig_comparer_up",
            "1 while the comparer is connected.",
            int(comparer is not None and comparer.generation > 0),
        )
        change = view.changes.last
        yield _gauge(
            "fig_last_change_effective_seconds",
            "Time from saved to effective on every worker, of the last change.",
            change.effective_ms / 1000 if change else 0.0,
        )
        upstreams = InfoMetricFamily(
            "fig_upstream", "Upstreams of the config.", labels=["upstream"]
        )
        for name, upstream in running.config.upstreams.items():
            for url in upstream.urls:
                upstreams.add_metric([name], {"url": url})
        yield upstreams
        stages = GaugeMetricFamily(
            "fig_capability_stage",
            "1 for the stage that is written.",
            labels=["capability", "stage"],
        )
        percents = GaugeMetricFamily(
            "fig_capability_percent", "Share of users asked for in canary.", labels=["capability"]
        )
        aborted = GaugeMetricFamily(
            "fig_capability_aborted", "1 while an abort holds.", labels=["capability"]
        )
        for name, capability in running.config.capabilities.items():
            for stage in Stage:
                stages.add_metric([name, stage.value], int(capability.stage is stage))
            percents.add_metric([name], capability.percent)
            aborted.add_metric([name], int(name in running.overrides))
        yield from (stages, percents, aborted)
        yield from self._lags()
        yield from self._certificates()
        yield from self._addresses()

    def _addresses(self) -> Iterator[Family]:
        """How the upstreams' addresses are, counted: an address itself may be one of any number."""
        breakers = GaugeMetricFamily(
            "fig_upstream_addresses",
            "Addresses of an upstream by breaker: the worst that a worker has.",
            labels=["upstream", "breaker"],
        )
        healths = GaugeMetricFamily(
            "fig_upstream_addresses_health",
            "Addresses of an upstream by health: the worst that a worker found.",
            labels=["upstream", "health"],
        )
        under_way = GaugeMetricFamily(
            "fig_upstream_under_way", "Requests that an upstream has now.", labels=["upstream"]
        )
        places = GaugeMetricFamily(
            "fig_upstream_places",
            "Requests that an upstream with concurrency may have at once, over all workers.",
            labels=["upstream"],
        )
        waiting = GaugeMetricFamily(
            "fig_upstream_waiting", "Requests that wait for a place now.", labels=["upstream"]
        )
        for upstream in self._view.upstreams():
            name, addresses = upstream["name"], upstream["addresses"]
            for breaker in BreakerState:
                count = sum(each["breaker"] == breaker for each in addresses)
                breakers.add_metric([name, breaker.value], count)
            for health in HealthState:
                count = sum(each["health"] == health for each in addresses)
                healths.add_metric([name, health.value], count)
            under_way.add_metric([name], sum(each["under_way"] for each in addresses))
            if limited := upstream["places"]:
                places.add_metric([name], limited["limit"])
                waiting.add_metric([name], limited["waiting"])
        yield from (breakers, healths, under_way, places, waiting)

    def _certificates(self) -> Iterator[Family]:
        left = GaugeMetricFamily(
            "fig_certificate_days_left",
            "Days until a certificate in use expires, by its file; negative once it has.",
            labels=["file"],
        )
        refused = GaugeMetricFamily(
            "fig_certificate_refused",
            "1 while files as they stand are refused and the last good ones go on, by the first of them.",
            labels=["file"],
        )
        # A file is told once, whatever it is for: several upstreams, or as what we show and as whom an upstream's is signed by.
        days: dict[str, float] = {}
        is_refused: dict[str, bool] = {}
        for known in self._view.certificates.status():
            file = known["files"][0]
            if known["days_left"] is not None:
                days[file] = min(known["days_left"], days.get(file, known["days_left"]))
            is_refused[file] = is_refused.get(file, False) or known["refused"] is not None
        for file, days_left in days.items():
            left.add_metric([file], days_left)
        for file, bad in is_refused.items():
            refused.add_metric([file], int(bad))
        yield from (left, refused)

    def _processes(self) -> Iterator[Family]:
        """What runs since when, and what the workers have under way, as they said within the last second or two."""
        build = InfoMetricFamily("fig_build", "The version that the supervisor runs.")
        build.add_metric([], {"version": __version__})
        yield build
        fleet = self._view.fleet
        started = GaugeMetricFamily(
            "fig_process_start_time_seconds",
            "When the process was started, in unix seconds.",
            labels=["process"],
        )
        for seat in [*fleet.workers, *([fleet.comparer] if fleet.comparer is not None else [])]:
            if seat.process.started_at:
                started.add_metric([seat.name], seat.process.started_at)
        yield started
        states = [seat.state for seat in fleet.workers]
        yield _gauge(
            "fig_client_connections",
            "Client connections that are open.",
            sum(state.get("connections", 0) for state in states),
        )
        yield _gauge(
            "fig_requests_in_flight",
            "Requests under way, of all generations.",
            sum(sum(state.get("exchanges", {}).values()) for state in states),
        )
        kept = GaugeMetricFamily(
            "fig_upstream_connections_open",
            "Upstream connections that are open or being opened.",
            labels=["state"],
        )
        known = [state.get("upstream_connections", {}) for state in states]
        idle = sum(each.get("idle", 0) for each in known)
        kept.add_metric(["idle"], idle)
        kept.add_metric(["busy"], sum(each.get("open", 0) for each in known) - idle)
        yield kept

    def _lags(self) -> Iterator[Family]:
        """How far services are behind; no sample where that is not known."""
        lag = GaugeMetricFamily(
            "fig_capability_lag_seconds",
            "How far the service is behind its monolith, as the monolith said last.",
            labels=["capability"],
        )
        age = GaugeMetricFamily(
            "fig_capability_lag_age_seconds", "How long ago it said so.", labels=["capability"]
        )
        stopped = GaugeMetricFamily(
            "fig_capability_reader_stopped",
            "1 while the service does not follow the changes: it asks no longer, has lost its place, or nothing is captured.",
            labels=["capability"],
        )
        for name in self._view.changes.running.config.capabilities:
            known = self._view.ownership.status(name)
            if known["lag_s"] is not None:
                lag.add_metric([name], known["lag_s"])
            if known["reader"] is not None or known["lost"]:
                age.add_metric([name], known["age_s"])
                stopped.add_metric([name], int(known["stopped"] or known["lost"]))
        yield from (lag, age, stopped)


def _has_labels(metric: Metric, labels: Labels, *others: str) -> bool:
    """Whether a cell is one of this version: an earlier one may have counted by other labels."""
    return {name for name, _ in labels} == {*metric.labels, *others}


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _cells(metric: Metric, counts: dict[Key, int]) -> Family:
    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = make(metric.prometheus_name, metric.help, labels=metric.labels)
    for (name, labels), count in sorted(counts.items()):
        if name == metric.name and _has_labels(metric, labels):
            values = dict(labels)
            family.add_metric([values[label] for label in metric.labels], count)
    return family


def _histogram(metric: Metric, counts: dict[Key, int]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric.prometheus_name, metric.help, labels=metric.labels)
    series: dict[tuple[str, ...], dict[str, int]] = {}
    sums: dict[tuple[str, ...], int] = {}
    for (name, labels), count in counts.items():
        values = dict(labels)
        if name == metric.name + BUCKET_SUFFIX and _has_labels(metric, labels, "le"):
            series.setdefault(tuple(values[label] for label in metric.labels), {})[values["le"]] = (
                count
            )
        elif name == metric.name + SUM_SUFFIX and _has_labels(metric, labels):
            sums[tuple(values[label] for label in metric.labels)] = count
    for key, buckets in sorted(series.items()):
        total, cumulated = 0, []
        for le in LE:
            total += buckets.get(le, 0)
            cumulated.append((le, float(total)))
        family.add_metric(list(key), cumulated, sums.get(key, 0) / 1e6)
    return family
