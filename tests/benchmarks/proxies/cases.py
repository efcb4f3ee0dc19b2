"""The cases: which job, which load, which figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.peers.job import Job
from benchmarks.peers.peer import Gap
from benchmarks.proxies import measurements
from benchmarks.proxies.bench import Proxy
from benchmarks.proxies.measurements import Settings

Measure = Callable[[Proxy, Settings, dict[str, float]], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a case."""

    key: str
    title: str
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Variant:
    """One set-up of a proxy in a case. ``label`` is empty where there is only one."""

    label: str
    job: Job
    hung: bool = False
    """The candidate never answers."""


CPU = Column("cpu_us", "CPU µs/request", 1)
RATE = Column("requests_per_s", "requests/s")
BUSY = Column("busy_percent", "core busy %")
MEMORY = Column("pss_mib", "memory MiB", 1)
PER_GIB = Column("cpu_s_per_gib", "CPU s/GiB", 3)
P50, P99 = Column("p50_us", "p50 µs"), Column("p99_us", "p99 µs")
SLOWEST = Column("max_us", "slowest µs")
OFFERED = Column("offered_per_s", "offered/s")
LATE = Column("late_p99_us", "generator late, p99 µs")
LOST = Column("lost", "lost")
WRONG = Column("wrong", "wrong")

ALL_ON = (Variant("", Job()),)


@dataclass(frozen=True, slots=True)
class Case:
    """One case. The first column is the one that is drawn, and compared with ours round by round."""

    name: str
    title: str
    measure: Measure
    columns: tuple[Column, ...]
    variants: tuple[Variant, ...] = ALL_ON
    ours_alone: bool = False
    needs: Gap | None = None
    """Who has this gap is not measured."""
    once: bool = False
    """Rounds would add nothing; and what ran before would be in the figures, so its proxies are new."""
    baseline: str = ""
    """The variant that the others are compared with, where variants are what is compared."""
    about: str = field(default="")


def _closed(of: str, connections: int, size: int = 0) -> Measure:
    def measure(proxy: Proxy, settings: Settings, rates: dict[str, float]) -> dict[str, float]:
        return measurements.saturated(proxy, settings, of, connections, size)

    return measure


_SATURATED = (CPU, RATE, BUSY, MEMORY)
_LARGE = (CPU, RATE, PER_GIB, MEMORY)

_ALL = (
    Case("small", "Small JSON, no split", _closed("small", 64), _SATURATED, (Variant("", Job(split=False)),),
         about="64 kept connections"),
    Case("log", "Small JSON, split, access log on", _closed("small", 64), _SATURATED, (Variant("", Job(access_log=True)),),
         about="64 kept connections, a line for each request"),
    Case("canary", "Small JSON, split between two upstreams", _closed("small", 64), _SATURATED,
         about="64 kept connections"),
    Case("post", "POST of 16 KiB", _closed("taken", 64), _SATURATED, about="64 kept connections"),
    Case("64k", "64 KiB", _closed("64k", 32, 64 << 10), _LARGE, about="32 kept connections"),
    Case("1m", "1 MiB", _closed("1m", 8, 1 << 20), _LARGE, about="8 kept connections"),
    Case("100m", "100 MiB", measurements.fetched, (PER_GIB, RATE, MEMORY), about="one after the other"),
    Case("connections", "Small JSON, 1,000 connections", _closed("small", 1000), _SATURATED, about="all busy; connecting is in it"),
    Case("latency", "Latency at half of the saturating rate", measurements.paced_at_half,
         (P50, P99, SLOWEST, OFFERED, CPU, LATE), about="constant rate, counted from when a request was due"),
    Case("reload", "Reloads under load, two a second", measurements.reloaded,
         (P50, P99, SLOWEST, LOST, WRONG, CPU), needs=Gap.NO_RELOAD, about="at half of the saturating rate"),
    Case("idle", "10,000 idle connections", measurements.idle,
         (Column("kib_each", "KiB each", 1), Column("before_mib", "MiB before", 1), Column("after_mib", "MiB with them", 1)),
         once=True, about="each has asked once; memory of the processes, without the kernel's buffers"),
    Case("routes", "10, 1,000 and 10,000 routes", _closed("small", 64), (CPU, RATE, MEMORY),
         (Variant("10", Job(routes=10)), Variant("1,000", Job(routes=1_000)), Variant("10,000", Job(routes=10_000))),
         baseline="10", about="64 kept connections, asking for routes from the first to the last"),
    Case("shadow", "Shadow off, on, and with a service that hangs", measurements.shadowed,
         (P50, P99, Column("worker_us", "worker CPU µs/request", 1), Column("comparer_us", "comparer CPU µs/request", 1), LATE),
         (Variant("off", Job(split=False)), Variant("on", Job(split=False, stage="shadow")),
          Variant("hung", Job(split=False, stage="shadow"), hung=True)),
         ours_alone=True, baseline="off", about="one rate for all; the comparer on the cores of the load"),
)  # fmt: skip

CASES: Mapping[str, Case] = {case.name: case for case in _ALL}
