"""The run: every case with all its proxies up at once, measured in turns."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import out
from benchmarks.load.clients import client
from benchmarks.load.processes import Cores, Failed
from benchmarks.load.upstream import Upstream, upstream
from benchmarks.peers import OURS
from benchmarks.peers.peer import Peer, find
from benchmarks.proxies.bench import Proxy, proxy
from benchmarks.proxies.cases import Case, Variant
from benchmarks.proxies.measurements import Settings
from benchmarks.proxies.spread import Spread, interleaved


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one proxy in one case: each figure of each round, in their order."""

    peer: str
    variant: str
    figures: dict[str, list[float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.peer} {self.variant}".strip()

    def spread(self, key: str) -> Spread:
        """Of one figure."""
        return Spread.of(self.figures[key])


@dataclass(slots=True)
class Result:
    """All that a run has found."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    """By the name of the case."""
    not_measured: list[str] = field(default_factory=list)
    """What can't be, and why: no fault."""
    failed: list[str] = field(default_factory=list)


def run(cases: Sequence[Case], peers: Sequence[Peer], settings: Settings) -> Result:
    """Measure all cases; those that want the same proxies share them."""
    if find("wrk") is None:
        raise Failed("wrk is the load, and is not installed (apt-get install wrk)")
    result = Result()
    cores = Cores.here()
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="fig-bench-")))
        folder.chmod(0o711)  # nginx, started by root, reads its files as somebody else
        behind = ends.enter_context(upstream(folder / "upstream", cores))
        groups = itertools.groupby(
            cases, key=lambda case: (case.variants, case.ours_alone, case.once)
        )
        for number, (_, group) in enumerate(groups):
            _measure_group(
                list(group), peers, settings, result, behind, folder / str(number), cores
            )
    return result


def _measure_group(
    cases: list[Case],
    peers: Sequence[Peer],
    settings: Settings,
    result: Result,
    behind: Upstream,
    folder: Path,
    cores: Cores,
) -> None:
    with contextlib.ExitStack() as ends:
        names = ", ".join(case.name for case in cases)
        for case, peer in itertools.product(cases, peers):
            if case.needs in peer.cannot:
                _note(result.not_measured, f"{case.name}: {peer.name}: {case.needs}")
        hung = ends.enter_context(_hung(cores)) if any(v.hung for v in cases[0].variants) else None
        set_up: list[tuple[Variant, Proxy]] = []
        for peer, variant in itertools.product(peers, cases[0].variants):
            if cases[0].ours_alone and peer.name != OURS:
                continue
            # What none of these cases can measure need not even start.
            if all(case.needs in peer.cannot for case in cases):
                continue
            called = f"{peer.name} {variant.label}".strip()
            out.print(f"[dim]{names}: starting {called}[/]")
            try:
                each = ends.enter_context(
                    proxy(
                        peer,
                        variant.job,
                        behind,
                        folder / called.replace(" ", "-").replace(",", ""),
                        cores,
                        candidate=hung if variant.hung else None,
                    )
                )
                each.saturate("small", connections=64, seconds=1)  # warm, and not counted
            except Failed as failed:
                _note(result.failed, f"{names}: {called}: {failed}")
            else:
                set_up.append((variant, each))
        rates: dict[str, float] = {}
        for case in cases:
            _measure(case, set_up, settings, result, rates)


def _measure(
    case: Case,
    set_up: list[tuple[Variant, Proxy]],
    settings: Settings,
    result: Result,
    rates: dict[str, float],
) -> None:
    rows = {
        each.name + variant.label: Row(each.peer.name, variant.label) for variant, each in set_up
    }
    measured = [(variant, each) for variant, each in set_up if case.needs not in each.peer.cannot]
    broken: set[str] = set()
    rounds = 1 if case.once else settings.rounds
    for turn, (variant, each) in interleaved(measured, rounds):
        key = each.name + variant.label
        if key in broken:
            continue
        try:
            figures = case.measure(each, settings, rates)
        except Failed as failed:
            broken.add(key)
            _note(result.failed, f"{case.name}: {rows[key].name}: {failed}")
            continue
        for name, value in figures.items():
            rows[key].figures.setdefault(name, []).append(value)
        said = ", ".join(
            f"{column.title} {figures[column.key]:,.{column.digits}f}" for column in case.columns
        )
        out.print(f"{case.name}, round {turn + 1} of {rounds}: {rows[key].name}: {said}")
    result.rows[case.name] = [row for key, row in rows.items() if row.figures and key not in broken]


@contextlib.contextmanager
def _hung(cores: Cores) -> Iterator[int]:
    """An upstream that never answers; its port."""
    with client("benchmarks.load.hung", cores.load) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def _note(where: list[str], text: str) -> None:
    where.append(text)
    out.print(text, style="yellow", markup=False)
