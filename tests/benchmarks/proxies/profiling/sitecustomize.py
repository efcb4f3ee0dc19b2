"""Lets a worker of ours be profiled while it works. Python imports this by its name from PYTHONPATH, in every process.

In a worker SIGUSR1 begins a profile and SIGUSR2 ends it and writes it to ``$BENCH_PROFILE``; so neither its start nor its
warming up is in it.
"""

import cProfile
import os
import signal
import sys
import time

WORKER = "stranglerfig.server.worker"


def _offer(path: str) -> None:
    # CPU time: what else runs on the core must not look like work of ours.
    profile = cProfile.Profile(time.process_time)

    def begin(*_: object) -> None:
        profile.enable()

    def end(*_: object) -> None:
        profile.disable()
        profile.dump_stats(f"{path}.part")
        os.replace(f"{path}.part", path)  # noqa: PTH105  # as few imports as can be, in every process

    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, end)


if "BENCH_PROFILE" in os.environ and WORKER in sys.orig_argv:
    _offer(os.environ["BENCH_PROFILE"])
