"""Where a worker of ours spends its time: a cProfile of small requests with all on.

The profiler costs more the more functions are called, so its times are good for a ranking and for counts; how much CPU a
request takes without it, the other cases say.
"""

import pstats
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.load.processes import Cores, Failed
from benchmarks.load.upstream import upstream
from benchmarks.peers import OURS, PEERS
from benchmarks.peers.job import Job
from benchmarks.proxies.bench import proxy
from benchmarks.proxies.measurements import WORKER

HOOK = Path(__file__).with_name("profiling")
LINES = 45
WRITTEN_WITHIN_S = 30.0


def profile(seconds: float, into: Path) -> tuple[str, int]:
    """Write ``worker.pstats`` into the folder; give the table, by time in the function itself, and the number of requests."""
    stats = into / "worker.pstats"
    stats.unlink(missing_ok=True)
    cores = Cores.here()
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="fig-profile-")))
        folder.chmod(0o711)
        behind = ends.enter_context(upstream(folder / "upstream", cores))
        environment = {"PYTHONPATH": str(HOOK), "BENCH_PROFILE": str(stats.resolve())}
        each = ends.enter_context(
            proxy(PEERS[OURS], Job(), behind, folder / "proxies", cores, environment=environment)
        )
        worker = each.running.find(f"stranglerfig.{WORKER}")
        each.saturate("small", connections=64, seconds=1)
        worker.send_signal(signal.SIGUSR1)
        measured = each.saturate("small", connections=64, seconds=seconds)
        worker.send_signal(signal.SIGUSR2)
        until = time.monotonic() + WRITTEN_WITHIN_S
        while not stats.exists():
            if time.monotonic() > until:
                raise Failed(f"the worker wrote no profile:\n{each.running.last_words()}")
            time.sleep(0.05)
    return table(pstats.Stats(str(stats)), measured.requests), measured.requests


def table(stats: pstats.Stats, requests: int) -> str:
    """The functions that take most CPU time themselves, for one request."""
    functions: dict[tuple[str, int, str], tuple[int, int, float, float, Any]] = stats.stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in functions.values())
    lines = [
        f"{'calls':>7} {'own µs':>8} {'all µs':>8} {'own %':>6}  a request, under the profiler"
    ]
    most = sorted(functions.items(), key=lambda item: item[1][2], reverse=True)[:LINES]
    for (file, line, name), (_, calls, own, inclusive, _) in most:
        where = name if file == "~" else f"{_short(file)}:{line} {name}"
        each = [value / requests * 1e6 for value in (own, inclusive)]
        lines.append(
            f"{calls / requests:7.2f} {each[0]:8.2f} {each[1]:8.2f} {own / whole * 100:6.1f}  {where}"
        )
    return "\n".join(lines)


def _short(file: str) -> str:
    """A module's file within its package."""
    return "/".join(Path(file).parts[-2:])
