"""As much as a proxy takes: wrk keeps some connections busy, and compares every answer, byte by byte."""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.load.processes import Cores, Failed, pinned
from benchmarks.peers.peer import find

SCRIPT = Path(__file__).with_name("check.lua")
BETWEEN = b"\n--next request--\n"
GRACE_S = 30.0


class Load(NamedTuple):
    """What was answered, all of it as expected."""

    requests: int
    seconds: float


def prepare(folder: Path, name: str, requests: Sequence[bytes], answer: bytes) -> tuple[Path, Path]:
    """The files that wrk reads: what to ask in turns, and what every answer must be."""
    asked, expected = folder / f"{name}.requests", folder / f"{name}.answer"
    asked.write_bytes(BETWEEN.join(requests))
    expected.write_bytes(answer)
    return asked, expected


def drive(
    port: int,
    files: tuple[Path, Path],
    *,
    connections: int,
    seconds: float,
    cores: Cores,
) -> Load:
    """Run wrk; ``Failed`` if one answer was not as expected."""
    program = find("wrk")
    if program is None:
        raise Failed("wrk is not installed (apt-get install wrk)")
    # wrk takes whole seconds.
    whole = max(1, round(seconds))
    command = [
        program, "-t1", f"-c{connections}", f"-d{whole}", "--timeout", "10s", "-s", str(SCRIPT),
        f"http://127.0.0.1:{port}/", "--", *map(str, files),
    ]  # fmt: skip
    process = subprocess.Popen(
        pinned(cores.load, command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=whole + GRACE_S)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    last = output.decode(errors="replace").strip().splitlines()[-1:] or [""]
    if process.returncode != 0 or not last[0].startswith("{"):
        raise Failed(f"wrk said:\n{output.decode(errors='replace')}")
    told = json.loads(last[0])
    if told["wrong"] or any(told["errors"].values()):
        raise Failed(
            f"{told['wrong']} of {told['requests']} answers were wrong ({told['first'] or '-'}); errors: {told['errors']}"
        )
    if told["requests"] == 0:
        raise Failed("not one answer came")
    return Load(told["requests"], told["microseconds"] / 1e6)
