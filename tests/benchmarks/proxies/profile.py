"""Where a worker of ours spends its time: a cProfile of small requests with all on.

The profiler costs more the more functions are called, so its times are good for a ranking and for counts; how much CPU a
request takes without it, the other cases say.
"""

import pstats
import signal
import tempfile
import time
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

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
    table = StringIO()
    pstats.Stats(str(stats), stream=table).strip_dirs().sort_stats("tottime").print_stats(LINES)
    return table.getvalue().strip(), measured.requests
