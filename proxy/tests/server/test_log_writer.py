"""Log lines that nobody reads hold nobody up; what is lost is told."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from waiting import until

from stranglerfig.log_writer import MAX_LINES, LogWriter

# A worker's log on a pipe that is read only when it has written far more than fits.
WRITES = """
import sys
import structlog
from stranglerfig import logs

logs.configure("json", may_wait=False, process="worker 7")
log = structlog.get_logger()
for number in range(10_000):
    log.info("line", number=number, padding="x" * 200)
print("written", flush=True)
sys.stdin.readline()
log.info("last")
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reads, writes = os.pipe()
    yield reads, writes
    for descriptor in (reads, writes):
        os.close(descriptor)


def test_a_process_whose_stderr_is_not_read_goes_on_and_tells_what_was_lost() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "written\n"
        lines = []
        while sum(line.get("count", 1) for line in lines) < 10_000:
            lines.append(json.loads(child.stderr.readline()))
        child.stdin.write("\n")
        child.stdin.close()
        assert json.loads(child.stderr.readline())["event"] == "last", "it is written at the end"
        assert child.stderr.read() == ""
    assert child.returncode == 0
    assert sum(line.get("count", 1) for line in lines) == 10_000
    assert lines[-1]["event"] == "log_lines_lost"
    told = [line["number"] for line in lines if line["event"] == "line"]
    assert told == sorted(set(told))
    assert len(told) >= MAX_LINES
    assert {line["process"] for line in lines} == {"worker 7"}


def test_a_process_whose_stderr_is_never_read_ends_all_the_same() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITES],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.wait(60) == 0


async def test_a_reader_that_is_gone_is_no_failure(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    gone, broken = os.pipe()
    os.close(gone)
    writer = LogWriter(broken)
    writer.write("lost\n")
    await until(writer._lines.empty)
    os.dup2(writes, broken)
    writer.write("half \ud800\n")
    assert os.read(reads, 100) == b"half \\ud800\n"
    writer.close()
    os.close(broken)
