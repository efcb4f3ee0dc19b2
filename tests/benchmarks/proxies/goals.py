"""What is aimed at, and whether a run's figures reach it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers import OURS
from benchmarks.proxies.run import Row
from benchmarks.proxies.spread import Spread, paired_ratio

Rows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure and its bound."""

    text: str
    figure: Callable[[Rows], Spread | None]
    """None: a part of it was not measured."""
    bound: float
    at_least: bool = False

    def verdict(self, rows: Rows) -> tuple[str, str]:
        """The figure, and ``met``, ``not met`` or ``not measured``. The median decides."""
        found = self.figure(rows)
        if found is None:
            return "–", "not measured"
        reached = found.median >= self.bound if self.at_least else found.median <= self.bound
        shown = f"{found.median:.2f} ({found.least:.2f}–{found.most:.2f})"
        return shown, "met" if reached else "not met"


def _row(rows: Rows, case: str, peer: str, variant: str = "") -> Row | None:
    for row in rows.get(case, ()):
        if (row.peer, row.variant) == (peer, variant):
            return row
    return None


def _ratio(
    case: str, key: str, one: tuple[str, str], other: tuple[str, str]
) -> Callable[[Rows], Spread | None]:
    def figure(rows: Rows) -> Spread | None:
        mine, beside = _row(rows, case, *one), _row(rows, case, *other)
        if mine is None or beside is None:
            return None
        return paired_ratio(mine.figures[key], beside.figures[key])

    return figure


def _plain(case: str, key: str) -> Callable[[Rows], Spread | None]:
    def figure(rows: Rows) -> Spread | None:
        row = _row(rows, case, OURS)
        return row.spread(key) if row else None

    return figure


def _beside_ours(peer: str) -> Goal:
    figure = _ratio("canary", "cpu_us", (peer, ""), (OURS, ""))
    return Goal(f"CPU per small request, all on: {peer} beside ours", figure, 2.5, at_least=True)


_ON, _OFF, _HUNG = (OURS, "on"), (OURS, "off"), (OURS, "hung")

GOALS = (
    Goal("CPU per small request, all on: beside Envoy", _ratio("canary", "cpu_us", (OURS, ""), ("envoy", "")), 0.6),
    Goal("CPU per small request, all on: beside nginx", _ratio("canary", "cpu_us", (OURS, ""), ("nginx", "")), 1.8),
    _beside_ours("caddy"),
    _beside_ours("traefik"),
    _beside_ours("http-proxy"),
    Goal("A decision among 10,000 routes beside one among 10", _ratio("decision", "decision_us", (OURS, "10,000"), (OURS, "10")), 1.2),
    Goal("p50, shadow on", _ratio("shadow", "p50_us", _ON, _OFF), 1.05),
    Goal("p50, shadow on and hung", _ratio("shadow", "p50_us", _HUNG, _OFF), 1.05),
    Goal("Worker CPU, shadow on", _ratio("shadow", "worker_us", _ON, _OFF), 1.25),
    Goal("Worker CPU, shadow on and hung", _ratio("shadow", "worker_us", _HUNG, _OFF), 1.25),
    Goal("KiB for an idle connection", _plain("idle", "kib_each"), 15),
    Goal("CPU for a GiB in bodies of 1 MiB: beside nginx", _ratio("1m", "cpu_s_per_gib", (OURS, ""), ("nginx", "")), 2),
    Goal("CPU for a GiB in bodies of 100 MiB: beside nginx", _ratio("100m", "cpu_s_per_gib", (OURS, ""), ("nginx", "")), 2),
)  # fmt: skip
