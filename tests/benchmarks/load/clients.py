"""Our clients as processes: they share no interpreter with the harness, and stay on the cores of the load."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.load.processes import Failed, pinned

TESTS = Path(__file__).resolve().parents[2]
TIMEOUT_S = 300.0


def ask_client(module: str, order: Mapping[str, Any], cores: Sequence[int]) -> dict[str, Any]:
    """Run a client to its end: an order in, a report out. ``Failed`` with its words."""
    with client(module, cores) as process:
        output, errors = process.communicate(json.dumps(order), timeout=TIMEOUT_S)
        if process.returncode != 0:
            raise Failed(errors.strip()[-1000:] or f"{module} ended with {process.returncode}")
        report: dict[str, Any] = json.loads(output)
        return report


@contextlib.contextmanager
def client(module: str, cores: Sequence[int]) -> Iterator["subprocess.Popen[str]"]:
    """A client that is gone at the end of the block, whatever happens in it."""
    process = subprocess.Popen(
        pinned(cores, [sys.executable, "-m", module]),
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.wait()
