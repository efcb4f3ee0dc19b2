"""Our proxy beside nginx, HAProxy, Envoy, Caddy, Traefik and Node's http-proxy, all given the same job.

Each proxy has one worker on one core; upstream and load have the others. In every case all are up at once and are measured in
turns, each round beginning with another. CPU is the kernel's account of all processes of a proxy. Every answer is compared
with what it must be, and before anything is measured each proxy shows that it does the job.
"""

import argparse
import json
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from benchmarks.figures import machine, out
from benchmarks.load.processes import Failed
from benchmarks.peers import OURS, PEERS
from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer
from benchmarks.proxies import report
from benchmarks.proxies.cases import CASES, Case, Column, Variant
from benchmarks.proxies.chart import chart
from benchmarks.proxies.decision import SIZES, measure_decisions
from benchmarks.proxies.measurements import Settings
from benchmarks.proxies.profile import profile
from benchmarks.proxies.run import Result, Row, run

DECISION, PROFILE = "decision", "profile"
DESCRIPTORS = 20_000
"""What 10,000 connections want of a proxy that counts two for each."""
_DECISION_CASE = Case(
    DECISION, "One routing decision", lambda *_: {}, (Column("decision_us", "µs", 2),),
    tuple(Variant(label, Job(routes=size)) for label, size in SIZES.items()),
    ours_alone=True, baseline="10", about="in this process, without sockets",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: all that could be measured was; 1: something failed; 2: wrong usage; 130: Ctrl-C."""
    wanted = _parse(arguments)
    signal.signal(signal.SIGTERM, _end)
    _raise_limit()
    began = time.monotonic()
    cases = [CASES[name] for name in wanted.cases if name in CASES]
    settings = Settings(wanted.rounds, wanted.seconds)
    peers, result = [], Result()
    for peer in (PEERS[name] for name in wanted.peers):
        if why := peer.missing():
            result.not_measured.append(f"{peer.name}: {why}")
        else:
            peers.append(peer)
    for text in result.not_measured:
        out.print(text, style="yellow", markup=False)
    try:
        if cases:
            found = run(cases, peers, settings)
            result.rows |= found.rows
            result.failed += found.failed
            result.not_measured += found.not_measured
        if DECISION in wanted.cases:
            cases.append(_DECISION_CASE)
            result.rows[DECISION] = [
                Row(OURS, label, {"decision_us": took})
                for label, took in measure_decisions(settings.rounds).items()
            ]
        if PROFILE in wanted.cases:
            _profile(settings, wanted.out)
    except Failed as failed:
        out.print(f"Nothing measured: {failed}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        out.print("Interrupted; what was started has been ended, and nothing is written.")
        return 130
    if cases:
        _tell(cases, peers, settings, result, time.monotonic() - began, wanted.out)
    return 1 if result.failed else 0


def _tell(
    cases: Sequence[Case], peers: Sequence[Peer], settings: Settings, result: Result, took_s: float, into: Path
) -> None:  # fmt: skip
    report.print_tables(cases, result)
    about = {name.replace("_", " "): str(value) for name, value in machine().items()} | {
        "date": time.strftime("%Y-%m-%d"),
        "rounds": f"{settings.rounds} of {settings.seconds:g} s, median (least–most)",
        "took": f"{took_s / 60:.1f} min",
    }
    told = [[peer.name, peer.version(), "; ".join(peer.cannot) or "–"] for peer in peers]
    into.mkdir(parents=True, exist_ok=True)
    texts = {
        "proxies.json": json.dumps(report.as_json(cases, result, about, told), indent=1) + "\n",
        "proxies.md": report.markdown(cases, result, about, told),
        "proxies.svg": chart(cases, result.rows, [", ".join(each) for each in _in_parts(about)]),
    }
    for name, text in texts.items():
        (into / name).write_text(text, encoding="utf-8")
    out.print()
    for text in [*result.not_measured, *result.failed]:
        out.print(text, style="yellow", markup=False)
    out.print(", ".join(f"{key} {value}" for key, value in about.items()))
    out.print(f"written: {', '.join(str(into / name) for name in texts)}", markup=False)


def _in_parts(about: Mapping[str, str]) -> Iterator[list[str]]:
    """The lines of a caption."""
    told = [f"{key} {value}" for key, value in about.items()]
    for first in range(0, len(told), 5):
        yield told[first : first + 5]


def _profile(settings: Settings, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    table, requests = profile(settings.seconds, into)
    (into / "profile.txt").write_text(f"{requests} requests\n{table}\n", encoding="utf-8")
    out.print(table, markup=False)
    out.print(f"{requests} requests; written: {into / 'profile.txt'}, {into / 'worker.pstats'}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.proxies", description=__doc__)
    known = [*CASES, DECISION, PROFILE]
    default = [*CASES, DECISION]
    parser.add_argument("--cases", type=_names(known), default=default, help=f"of {', '.join(known)} (default: all but {PROFILE})")  # fmt: skip
    parser.add_argument("--peers", type=_names(list(PEERS)), default=list(PEERS), help=f"of {', '.join(PEERS)} (default: all)")  # fmt: skip
    parser.add_argument("--rounds", type=_positive(int), default=3)
    parser.add_argument("--seconds", type=_positive(float), default=2.0, help="of each measurement; the closed loop takes whole ones")  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("../.bench"), help="folder for proxies.json, .md and .svg")  # fmt: skip
    return parser.parse_args(arguments)


def _names(known: list[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = [each.strip() for each in text.split(",") if each.strip()]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(
                f"there is no {', '.join(unknown)}; there are {', '.join(known)}"
            )
        if not names:
            raise argparse.ArgumentTypeError(f"name some of {', '.join(known)}")
        return [name for name in known if name in names]

    return read


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < 1_000:
            raise argparse.ArgumentTypeError(f"{text!r} is no number above 0 and below 1000")
        return value

    return read


def _raise_limit() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(DESCRIPTORS, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
