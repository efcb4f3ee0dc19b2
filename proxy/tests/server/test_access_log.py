"""The access log on real files: nothing that a file does touches an answer, and every line is accounted for."""

import asyncio
import json
import os
import resource
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.counters import CounterBlock
from stranglerfig.server import access_log
from stranglerfig.server.access_log import AccessLog


class Log:
    """One worker's log, with its account."""

    def __init__(self, log: AccessLog, counters: CounterBlock, file: Path) -> None:
        self.log = log
        self.counters = counters
        self.file = file
        self.sent = 0

    def write(self, count: int = 1, size: int = 20, name: str = "line") -> None:
        for _ in range(count):
            self.sent += 1
            self.log.write(str(self.file), f"{name} {self.sent:08}".encode().ljust(size - 1, b".") + b"\n")  # fmt: skip

    def lost(self) -> dict[str, int]:
        return {
            dict(labels)["reason"]: count
            for (name, labels), count in self.counters.counts().items()
            if name == "access_log_lost_lines" and count
        }

    @property
    def written(self) -> int:
        return self.counters.get(self.counters.cell("access_log_written_lines"))

    def check(self) -> None:
        """What was handed over is written or lost, once."""
        assert self.counters.get(self.counters.cell("access_log_lines")) == self.sent
        assert self.written + sum(self.lost().values()) == self.sent


Open = Callable[..., Log]


@pytest.fixture
async def open_log(tmp_path: Path) -> AsyncIterator[Open]:
    """Open logs of workers of their own."""
    opened: list[Log] = []

    def open(file: Path | None = None, slot: int = 0) -> Log:
        counters = CounterBlock.open(tmp_path / f"worker-{slot}.cells")
        log = AccessLog(asyncio.get_running_loop(), counters)
        opened.append(Log(log, counters, file or tmp_path / "access.log"))
        return opened[-1]

    yield open
    for each in opened:
        await each.log.close(5)
        each.check()
        each.counters.close()


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


class Reader:
    """Reads a pipe when it is told to."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.got = b""

    async def has_begun(self) -> None:
        """Read a little as soon as there is something."""
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._fd, readable.set)
        await readable.wait()
        loop.remove_reader(self._fd)
        self.got = os.read(self._fd, 5000)

    def read(self) -> None:
        try:
            while data := os.read(self._fd, 1 << 20):
                self.got += data
        except BlockingIOError:
            return

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def read_pipe() -> Iterator[Callable[[Path], Reader]]:
    """Hold pipes open and read nothing until asked."""
    readers: list[Reader] = []

    def open(path: Path) -> Reader:
        readers.append(Reader(path))
        return readers[-1]

    yield open
    for reader in readers:
        reader.close()


async def test_lines_are_written_soon_and_in_their_order(open_log: Open) -> None:
    log = open_log()
    log.write(5000)
    await until(lambda: log.written == 5000)
    lines = log.file.read_text().splitlines()
    assert lines == [f"line {number:08}......" for number in range(1, 5001)]
    assert stat.S_IMODE(log.file.stat().st_mode) & 0o007 == 0, "addresses of people stand in it"
    assert log.log.waiting_bytes == 0


async def test_closing_writes_what_waits(open_log: Open) -> None:
    log = open_log()
    log.write(3)
    await log.log.close(5)
    assert len(log.file.read_text().splitlines()) == 3


async def test_a_renamed_file_is_opened_anew_and_none_is_lost(open_log: Open) -> None:
    log = open_log()
    for number in range(6):
        log.write(400)
        await until(lambda: log.written > 400 * number)  # noqa: B023
        log.file.rename(log.file.with_name(f"old.{number}"))
        log.write(10)
        await until(lambda: log.written == log.sent)
    lines = [line for path in log.file.parent.glob("*") if path.name.startswith(("old.", "access.log")) for line in path.read_text().splitlines()]  # fmt: skip
    assert sorted(lines) == [f"line {number:08}......" for number in range(1, log.sent + 1)]
    assert log.file.exists()


async def test_a_file_that_is_cut_off_goes_on_at_its_new_end(open_log: Open) -> None:
    log = open_log()
    log.write(100)
    await until(lambda: log.written == 100)
    copied = log.file.read_bytes()
    os.truncate(log.file, 0)
    log.write(2)
    await until(lambda: log.written == 102)
    assert log.file.read_text() == "line 00000101......\nline 00000102......\n"
    assert copied.count(b"\n") == 100


async def test_a_full_disk_costs_nothing_once_it_has_room_again(
    open_log: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "_RETRY_S", 0.02)
    link = tmp_path / "log"
    link.symlink_to("/dev/full")
    log = open_log(link)
    log.write(10)
    await until(lambda: log.log._writer is not None and log.log._writer.trouble)
    log.write(10)
    link.unlink()
    await until(lambda: log.written == 20)
    assert len(link.read_text().splitlines()) == 20
    assert log.lost() == {}


async def test_what_finds_no_room_is_lost_for_the_reason_that_it_has(
    open_log: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "MAX_WAITING_BYTES", 1000)
    log = open_log(Path("/dev/full"))
    log.write(100)
    assert log.lost() == {"queue_full": 50}
    await until(lambda: log.log._writer is not None and log.log._writer.trouble)
    log.write(1)
    assert log.lost() == {"queue_full": 50, "disk_full": 1}
    await log.log.close(5)
    assert log.lost() == {"queue_full": 50, "disk_full": 51}
    nowhere = open_log(tmp_path / "none" / "log", slot=1)
    nowhere.write(1)
    await nowhere.log.close(5)
    assert nowhere.lost() == {"not_writable": 1}


async def test_a_line_that_a_full_disk_cut_comes_once_more_whole(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "_RETRY_S", 0.02)
    log = open_log()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = 1 << 20  # far above any file that the test itself is captured in
    log.file.write_bytes(b"." * (before - 1) + b"\n")
    log.write(3)
    await until(lambda: log.written == 3)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before + 3 * 20 + 50, hard))
    try:
        log.write(10)
        await until(lambda: log.log._writer is not None and log.log._writer.trouble == "disk_full")
        assert log.written == 5
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await until(lambda: log.written == 13)
    lines = log.file.read_text().splitlines()[1:]
    assert lines.pop(5) == "line 00000"
    assert lines == [f"line {number:08}......" for number in range(1, 14)]


async def test_a_reader_that_hangs_holds_up_nobody(
    open_log: Open, tmp_path: Path, read_pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "MAX_WAITING_BYTES", 300_000)
    pipe = fifo(tmp_path / "pipe")
    reader = read_pipe(pipe)
    log = open_log(pipe)
    log.write(1000, 1000)  # a pipe holds 64 KiB
    assert set(log.lost()) == {"queue_full"}
    await until(lambda: log.written >= 60)
    log.write(10, 1000)
    waiting = log.sent - log.written - sum(log.lost().values())
    assert 200 < waiting <= 300

    def all_read() -> bool:
        reader.read()
        return log.written + sum(log.lost().values()) == log.sent

    await until(all_read)
    reader.read()  # what came between the last look at the pipe and the one at the counts
    assert reader.got.count(b"\n") == log.written
    assert all(len(line) == 999 for line in reader.got.splitlines())


async def test_a_reader_that_hangs_does_not_hold_up_the_end(
    open_log: Open, tmp_path: Path, read_pipe: Any
) -> None:
    pipe = fifo(tmp_path / "pipe")
    read_pipe(pipe)
    log = open_log(pipe)
    log.write(200, 1000)
    await until(lambda: log.written >= 60)
    await within(log.log.close(0.05), 10)
    assert log.lost() == {"stopped": 200 - log.written}


async def test_a_pipe_that_nobody_reads_is_waited_for(
    open_log: Open, tmp_path: Path, read_pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "_RETRY_S", 0.02)
    pipe = fifo(tmp_path / "pipe")
    log = open_log(pipe)
    log.write(5)
    await until(lambda: log.log._writer is not None and log.log._writer.trouble == "not_writable")
    reader = read_pipe(pipe)
    await until(lambda: log.written == 5)
    reader.read()
    assert reader.got.count(b"\n") == 5


@pytest.mark.parametrize("is_pipe", [False, True])
async def test_workers_that_share_a_file_write_whole_lines(
    open_log: Open, tmp_path: Path, read_pipe: Any, is_pipe: bool
) -> None:
    file = fifo(tmp_path / "pipe") if is_pipe else tmp_path / "shared.log"
    reader = read_pipe(file) if is_pipe else None
    logs = [open_log(file, slot) for slot in range(3)]
    for _ in range(40):
        for slot, log in enumerate(logs):
            log.write(10, 2000 + 500 * slot, f"w{slot}")
        await asyncio.sleep(0)

    def is_done() -> bool:
        if reader is not None:
            reader.read()
        return all(log.written == log.sent for log in logs)

    await until(is_done)
    if reader is not None:
        reader.read()
    lines = (reader.got if reader is not None else file.read_bytes()).splitlines()
    assert len(lines) == 1200
    for slot in range(3):
        own = [line for line in lines if line.startswith(b"w%d " % slot)]
        assert [len(line) for line in own] == [1999 + 500 * slot] * 400
        assert own == sorted(own)


async def test_another_file_is_written_to_from_its_first_line_on(open_log: Open, tmp_path: Path) -> None:  # fmt: skip
    log = open_log()
    log.write(2)
    log.file = tmp_path / "other.log"
    log.write(3)
    await until(lambda: log.written == 5)
    assert len((tmp_path / "access.log").read_text().splitlines()) == 2
    assert len(log.file.read_text().splitlines()) == 3


KILLED = """
import asyncio, os, sys
from pathlib import Path
from stranglerfig.counters import CounterBlock
from stranglerfig.server.access_log import AccessLog
async def run():
    log = AccessLog(asyncio.get_running_loop(), CounterBlock.open(Path(sys.argv[1])))
    for number in range(200):
        log.write(sys.argv[2], b"x" * 999 + b"\\n")
    await asyncio.sleep(600)
asyncio.run(run())
"""


async def test_what_a_killed_worker_had_not_written_is_counted(
    open_log: Open, tmp_path: Path, read_pipe: Any
) -> None:
    pipe = fifo(tmp_path / "pipe")
    reader = read_pipe(pipe)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "worker-0"), str(pipe)]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await within(reader.has_begun(), 30)
    finally:
        process.kill()
        await process.wait()
    reader.read()
    log = open_log(pipe)
    log.sent = 200
    whole = reader.got.count(b"\n")
    assert 0 < whole < 200
    # What was written right before the kill may not have been counted: told as lost, never the other way.
    assert 200 - whole <= log.lost()["worker_died"] <= 200 - whole + 4
    log.write(1)


# --- through the data plane


async def test_everything_that_ends_has_its_line(
    start_upstream: Any, start_proxy: Any, tmp_path: Path
) -> None:
    file = tmp_path / "access.log"

    async def handle(connection: Any) -> None:
        while seen := await connection.request():
            if seen.target == b"/cut":
                await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                connection.close()
            elif seen.target == b"/none":
                connection.close()
            elif seen.target == b"/held":
                held.set()
                await asyncio.sleep(60)
            else:
                await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    held = asyncio.Event()
    proxy = await start_proxy(
        await start_upstream(handle), access_log={"format": "json", "file": str(file)}
    )
    await proxy.get("/fine?secret=1")
    await proxy.ask(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody")  # fmt: skip
    await proxy.ask(b"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n")
    await proxy.ask(
        b"POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    await proxy.get("/_chassis/x")
    await proxy.ask(b"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n")
    malformed = await proxy.ask(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
    client = await proxy.connect()
    client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(held.wait())
    client.close()
    await until(lambda: file.exists() and file.read_bytes().count(b"\n") == 8)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    short = [(each["target"], each["status"], each["failure"]) for each in lines]
    assert short == [
        ("/fine?", 200, None), ("/up", 200, None), ("/cut", 200, "cut_response"), ("/none", 502, "closed_early"),
        ("/_chassis/x", 404, "not_found"), ("/a/../b", 400, "bad_path"), ("", 400, "malformed_head"),
        ("/held", None, "client_left"),
    ]  # fmt: skip
    fine, upload, cut, _, _, _, unread, gone = lines
    assert (fine["upstream"], fine["reason"], fine["client"]) == ("monolith", "fallthrough", "127.0.0.1")  # fmt: skip
    assert 0 < fine["head_ms"] <= fine["duration_ms"] < 5000
    assert upload["request_body_bytes"] == 4
    assert cut["response_bytes"] == len(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    assert unread["response_bytes"] == len(malformed)
    assert unread["request_id"].encode() in malformed
    assert (gone["head_ms"], gone["response_bytes"]) == (None, 0)
    assert "secret" not in file.read_text()


async def test_a_request_that_was_sent_again_says_so(
    start_upstream: Any, start_proxy: Any, tmp_path: Path
) -> None:
    async def once(connection: Any) -> None:
        if await connection.request() is None:
            return
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        if await connection.request() is not None and connection.number == 1:
            connection.close()

    file = tmp_path / "access.log"
    proxy = await start_proxy(
        await start_upstream(once), access_log={"format": "json", "file": str(file)}
    )
    await proxy.get("/")
    await proxy.get("/again")
    await until(lambda: file.exists() and file.read_bytes().count(b"\n") == 2)
    assert [json.loads(line)["retries"] for line in file.read_text().splitlines()] == [0, 1]


async def test_without_a_log_there_is_no_thread_and_no_count(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(await start_upstream())
    await proxy.get("/")
    assert proxy.counts("access_log_lines") == {}
    assert not any(thread.name == "access log" for thread in threading.enumerate())


async def test_a_full_disk_changes_no_answer(start_upstream: Any, start_proxy: Any) -> None:
    proxy = await start_proxy(
        await start_upstream(), access_log={"format": "text", "file": "/dev/full"}
    )
    for _ in range(3):
        assert (await within(proxy.get("/"))).body == b"ok"
    await until(lambda: proxy.plane._runtime.access_log._writer is not None)
    assert (await within(proxy.get("/"))).body == b"ok"
    await within(proxy.plane.drain(0), 10)
    assert proxy.counts("access_log_lost_lines") == {("disk_full",): 4}
