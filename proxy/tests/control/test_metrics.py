"""``/metrics`` is what Prometheus reads: every family by its conventions, and labels from small closed sets alone."""

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fig_process import Fig, Upstream, wait_until
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from stranglerfig import __version__
from stranglerfig.counters import CounterBlock
from stranglerfig.counters.histogram import BOUNDS_S
from stranglerfig.counters.names import METRICS

NAME = re.compile(r"(fig|process)_[a-z][a-z0-9_]*")
# https://prometheus.io/docs/practices/naming: base units, plural, at the end of the name.
NOT_BASE_UNITS = ("_ms", "_milliseconds", "_us", "_kib", "_mib", "_percent_total", "_minutes")


def families(fig: Fig) -> dict[str, Metric]:
    text = fig.admin("GET", "/metrics")[2].decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(fig: Fig, sample_name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in families(fig).values()
        for sample in family.samples
        if sample.name == sample_name and labels.items() <= sample.labels.items()
    )


@pytest.fixture
def busy(fig: Fig) -> Fig:
    """A proxy of which everything was asked once, and both sides."""
    fig.set("catalog", "canary", 50)
    for number in range(30):  # each a user of its own: that all go to one side happens to nobody
        fig.get("/api/catalog/1", {"traceparent": f"x{number}", "Fig-Nonsense": str(number)})
        fig.get(f"/other/{number}?{number}")
    fig.get("/_chassis/x")
    fig.get("/a/../b")
    wait_until(lambda: value(fig, "fig_requests_total", capability="catalog") >= 30)
    return fig


def test_names_and_units_follow_the_conventions(busy: Fig) -> None:
    found = families(busy)
    assert len(found) == len(set(found))
    for name, family in found.items():
        assert NAME.fullmatch(name)
        assert family.documentation
        assert not name.endswith(NOT_BASE_UNITS)
        for sample in family.samples:
            if family.type == "counter":
                assert sample.name == f"{name}_total"
        if family.type == "histogram":
            assert name.endswith("_seconds")
    assert {f"fig_{name}" for name in METRICS} <= set(found)


def test_labels_come_from_small_closed_sets(busy: Fig) -> None:
    names: dict[str, set[str]] = {}
    for family in families(busy).values():
        for sample in family.samples:
            for label, text in sample.labels.items():
                names.setdefault(label, set()).add(text)
                assert re.fullmatch(r"[A-Za-z0-9+_.:/ -]{1,80}", text), (family.name, text)
    assert names["capability"] <= {"catalog", "-"}
    assert names["side"] == {"monolith", "service"}
    assert names["stage"] <= {"monolith", "shadow", "canary", "service", "-"}
    assert names["status"] <= {f"{number}xx" for number in range(1, 6)}
    assert names["upstream"] <= {"monolith", "catalog", "-"}
    assert names["process"] <= {"worker 0", "worker", "comparer"}
    assert {float(text) for text in names["le"]} == {*BOUNDS_S, float("inf")}
    assert not any("other" in text or "traceparent" in text for texts in names.values() for text in texts)  # fmt: skip


def test_histograms_are_whole_and_fit_a_millisecond_to_a_minute(busy: Fig) -> None:
    assert (BOUNDS_S[0], BOUNDS_S[-1]) == (0.001, 60.0)
    found = families(busy)
    labels = {
        "fig_request_duration_seconds": {"capability", "stage", "side"},
        "fig_upstream_head_duration_seconds": {"upstream"},
        "fig_upstream_connect_duration_seconds": {"upstream"},
    }
    for name, wanted in labels.items():
        series: dict[tuple[str, ...], list[float]] = {}
        counts: dict[tuple[str, ...], float] = {}
        for sample in found[name].samples:
            key = tuple(sample.labels[label] for label in sorted(wanted))
            assert set(sample.labels) - {"le"} == wanted
            if sample.name.endswith("_bucket"):
                series.setdefault(key, []).append(sample.value)
            elif sample.name.endswith("_count"):
                counts[key] = sample.value
        assert series, name
        for key, buckets in series.items():
            assert len(buckets) == len(BOUNDS_S) + 1
            assert buckets == sorted(buckets)
            assert buckets[-1] == counts[key] > 0
    stages = {s.labels["stage"] for s in found["fig_request_duration_seconds"].samples}
    assert "canary" in stages


def test_what_runs_since_when_and_what_is_under_way_is_told(busy: Fig) -> None:
    found = families(busy)
    assert found["fig_build_info"].samples[0].labels == {"version": __version__}
    started = {
        s.labels["process"]: s.value for s in found["fig_process_start_time_seconds"].samples
    }
    assert set(started) == {"worker 0", "comparer"}
    assert all(1.7e9 < at < 1e11 for at in started.values())
    assert found["process_start_time_seconds"].samples[0].value <= min(started.values())
    assert value(busy, "fig_generation") == busy.generation
    # Reported by the workers once a second.
    opened = "fig_upstream_connections_open"
    wait_until(
        lambda: value(busy, opened, state="idle") >= 1 and value(busy, opened, state="busy") == 0
    )


def test_a_request_under_way_is_told(fig: Fig, monolith: Upstream) -> None:
    monolith.held.clear()
    monolith.release.clear()
    asking = threading.Thread(target=fig.get, args=("/held/1",))
    asking.start()
    try:
        wait_until(lambda: value(fig, "fig_requests_in_flight") == 1)
        assert value(fig, "fig_client_connections") >= 1
        assert value(fig, "fig_upstream_connections_open", state="busy") == 1
    finally:
        monolith.release.set()
        asking.join()
    wait_until(lambda: value(fig, "fig_requests_in_flight") == 0)


@pytest.mark.slow
def test_cells_of_an_earlier_version_do_no_harm(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    counters = fig.state_dir / "counters"
    CounterBlock.open(Path(counters / "worker-0.cells")).close()
    with (counters / "worker-0.keys").open("ab") as keys:
        keys.write(b'["request_duration_seconds_bucket",{"capability":"catalog","le":"0.001","side":"service"}]\n')  # fmt: skip
        keys.write(
            b'["request_duration_seconds_sum_us",{"capability":"catalog","side":"service"}]\n'
        )
        keys.write(b'["requests",{"capability":"catalog"}]\n["gone",{}]\n')
    fig.start()
    fig.get("/api/catalog/1")
    wait_until(lambda: value(fig, "fig_requests_total", capability="catalog") == 1)
    assert fig.command("status").returncode == 0
