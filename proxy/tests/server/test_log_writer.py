"""Log lines that nobody reads hold nobody up; what is lost is told."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from waiting import until

from stranglerfig.log_writer import MAX_LINES, LogWriter

# A process's log on a pipe that is read only when it has written far more than fits.
WRITES = """
import sys
import structlog
from stranglerfig import logs

logs.configure("json", process="worker 7")
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


# Whatever is written to stderr, by whomever.
WORDS = """
import asyncio
import gc
import sys
import warnings
import structlog
from rich.console import Console
from stranglerfig import logs

err = Console(stderr=True, width=200)
logs.configure("json", process="supervisor")
log = structlog.get_logger()


async def fails():
    raise ValueError("nobody awaits this")


async def main():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    del task
    gc.collect()


log.info("first")
print("half a line,", end=" ", file=sys.stderr)
print("and the rest", file=sys.stderr)
warnings.warn("doubtful", stacklevel=1)
asyncio.run(main())
err.print("a message")
log.info("last")
print("without an end", end="", file=sys.stderr)
raise SystemExit(3)
"""


def test_what_anybody_writes_to_stderr_comes_in_its_order() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORDS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    wanted = (
        '"event": "first"',
        "half a line, and the rest\n",
        "UserWarning: doubtful",
        "Task exception was never retrieved",
        "ValueError: nobody awaits this",
        "a message\n",
        '"event": "last"',
        "without an end\n",
    )
    places = [done.stderr.find(each) for each in wanted]
    assert -1 not in places, done.stderr
    assert places == sorted(places), done.stderr


def test_lines_that_several_threads_write_in_pieces_stay_whole(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    writer = LogWriter(writes)
    together = threading.Barrier(4)

    def write(name: str) -> None:
        together.wait()
        for number in range(50):
            for part in (name, f" {number}", "\n"):
                writer.write(part)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = sorted(f"{name} {number}\n" for name in "abcd" for number in range(50))
    with os.fdopen(os.dup(reads)) as reader:
        assert sorted(reader.readline() for _ in expected) == expected


def test_what_was_lost_is_told_at_the_end_too() -> None:
    # Whoever reads here may take its time.
    patient = "from stranglerfig import log_writer\nlog_writer._LAST_LINES_S = 60\n"
    ends = WRITES.replace("sys.stdin.readline()", "raise SystemExit")
    with subprocess.Popen(
        [sys.executable, "-c", patient + ends],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "written\n"
        *_, last = map(json.loads, child.stderr)
    assert child.returncode == 0
    assert last["event"] == "log_lines_lost"


def test_a_pipe_that_somebody_made_not_to_block_loses_nothing(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    os.set_blocking(writes, False)
    writer = LogWriter(writes)
    lines = [f"{number:0999}\n" for number in range(300)]  # far more than a pipe holds
    for line in lines:
        writer.write(line)
    with os.fdopen(os.dup(reads)) as reader:
        assert [reader.readline() for _ in lines] == lines


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
    os.close(broken)
