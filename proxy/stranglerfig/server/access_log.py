"""The access log on its way to the disk: the event loop hands lines over, a thread of its own writes them.

The loop does no more than to append a line to a list. Whatever the file does, be it a full disk, a pipe that nobody reads, a
server that hangs, happens to the thread alone; meanwhile lines wait, up to a bound, and those that find no room are lost and
counted. What could not be written is tried again, so a trouble that passes costs nothing but what did not fit.

The account: ``lines = written + lost (by reason) + waiting``. Its cells outlive the process, so the next one in the slot counts as
``worker_died`` what a killed one had not written. At most: what was written right before the kill may not be counted yet.

A file that was renamed or removed is opened anew before the next lines are written, and every write appends, so a file that was cut
off goes on at its new end. Several workers may write to one file: lines are written whole.
"""

import asyncio
import contextlib
import errno
import os
import queue
import stat
import threading
from typing import Final

import structlog

from stranglerfig.counters import CounterBlock, names
from stranglerfig.server.log_lines import MAX_LINE_BYTES

log = structlog.get_logger(__name__)

MAX_WAITING_BYTES: Final = 8 * 1024 * 1024
HAND_OVER_S: Final = (
    0.1  # how long a line waits for company: one wake-up of the thread for all of them
)
_HAND_OVER_BYTES: Final = 64 * 1024
_WRITE_BYTES: Final = 256 * 1024
_RETRY_S: Final = 1.0
_MODE: Final = 0o640  # addresses of people stand in it
STREAMS: Final = {"stdout": 1, "stderr": 2}

QUEUE_FULL: Final = "queue_full"  # the file takes lines, too slowly
DISK_FULL: Final = "disk_full"
NOT_WRITABLE: Final = "not_writable"
STOPPED: Final = "stopped"  # the process ended before they could be written
WORKER_DIED: Final = "worker_died"
REASONS: Final = (QUEUE_FULL, DISK_FULL, NOT_WRITABLE, STOPPED, WORKER_DIED)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_LINE_END: Final = ord("\n")

_Batch = tuple[str, list[bytes]]


class AccessLog:
    """The access log of one worker. All but the writing happens in its loop."""

    __slots__ = (
        "_batch",
        "_batch_bytes",
        "_counters",
        "_file",
        "_is_armed",
        "_lines",
        "_loop",
        "_lost",
        "_taken_bytes",
        "_writer",
        "_written",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, counters: CounterBlock) -> None:
        """The only one that counts under these names in ``counters``."""
        self._loop = loop
        self._counters = counters
        self._lines = counters.cell(names.LOG_LINES)
        self._written = counters.cell(names.LOG_WRITTEN)
        self._lost = {reason: counters.cell(names.LOG_LOST, reason=reason) for reason in REASONS}
        self._file = ""
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._taken_bytes = 0
        self._is_armed = False
        self._writer: _Writer | None = None
        self._settle(WORKER_DIED)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of lines that are not written yet."""
        return self._taken_bytes - (self._writer.done_bytes if self._writer is not None else 0)

    def write(self, file: str, line: bytes) -> None:
        """Take a line for ``file``, or count that it is lost. Never waits and never raises."""
        cells = self._counters.cells
        cells[self._lines] += 1
        if self.waiting_bytes + len(line) > MAX_WAITING_BYTES:
            trouble = self._writer.trouble if self._writer is not None else None
            cells[self._lost[trouble or QUEUE_FULL]] += 1
            return
        if file != self._file:
            self._hand_over()
            self._file = file
        self._batch.append(line)
        self._batch_bytes += len(line)
        self._taken_bytes += len(line)
        if self._batch_bytes >= _HAND_OVER_BYTES:
            self._hand_over()
        elif not self._is_armed:
            self._is_armed = True
            self._loop.call_later(HAND_OVER_S, self._on_time)

    async def close(self, deadline_s: float) -> None:
        """Write what waits, for at most ``deadline_s`` seconds; what is left is lost."""
        writer = self._writer
        if writer is not None or self._batch:
            self._hand_over()
            writer = self._writer
            assert writer is not None
            writer.stop()
            ended = asyncio.Event()
            threading.Thread(
                target=_tell_end, args=(writer, deadline_s, self._loop, ended), daemon=True
            ).start()
            await ended.wait()
            writer.leave()
        self._settle(STOPPED if writer is None else writer.trouble or STOPPED)

    def _on_time(self) -> None:
        self._is_armed = False
        self._hand_over()

    def _hand_over(self) -> None:
        if not self._batch:
            return
        if self._writer is None:
            self._writer = _Writer(self._counters.cells, self._written)
            self._writer.start()
        self._writer.take((self._file, self._batch))
        self._batch = []
        self._batch_bytes = 0

    def _settle(self, reason: str) -> None:
        get = self._counters.get
        unfinished = get(self._lines) - get(self._written) - sum(map(get, self._lost.values()))
        if unfinished > 0:
            self._counters.add(self._lost[reason], unfinished)


def _tell_end(
    writer: "_Writer", deadline_s: float, loop: asyncio.AbstractEventLoop, ended: asyncio.Event
) -> None:
    writer.join(deadline_s)
    with contextlib.suppress(RuntimeError):  # the loop is gone, and nobody waits
        loop.call_soon_threadsafe(ended.set)


class _Writer(threading.Thread):
    """Writes batches, one after the other. A daemon, since a write may hang for good."""

    def __init__(self, cells: memoryview, written: int) -> None:
        super().__init__(name="access log", daemon=True)
        self.done_bytes = 0
        """Of lines that do not wait any more."""
        self.trouble: str | None = None
        """Why nothing can be written at the moment; one of ``REASONS``."""
        self._cells = cells
        self._written = written
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._counting = threading.Lock()
        self._is_left = False
        self._file = ""
        self._fd = -1
        self._identity = (0, 0)
        self._torn: tuple[int, int] | None = None  # the file that ends in a part of a line
        self._is_regular = False

    def take(self, batch: _Batch) -> None:
        """Write these next."""
        self._batches.put(batch)

    def stop(self) -> None:
        """End when all that was taken is written, or can't be written."""
        self._stopping.set()
        self._batches.put(None)

    def leave(self) -> None:
        """Count nothing any more: the cells are about to be given back."""
        with self._counting:
            self._is_left = True

    def run(self) -> None:
        """Write until stopped."""
        while (batch := self._batches.get()) is not None:
            file, lines = batch
            while lines:
                lines = self._write_some(file, lines)
                if lines and self.trouble is not None:
                    if self._stopping.is_set():
                        break
                    self._stopping.wait(_RETRY_S)
        self._close()

    def _write_some(self, file: str, lines: list[bytes]) -> list[bytes]:
        """Write some of ``lines`` and give the rest; ``trouble`` says why if it is all of them."""
        try:
            self._open(file)
            limit = _WRITE_BYTES if self._is_regular else MAX_LINE_BYTES
            count, size = 0, 0
            while count < len(lines) and (count == 0 or size + len(lines[count]) <= limit):
                size += len(lines[count])
                count += 1
            data = b"".join(lines[:count])
            # The part of a line that the disk had room for ends here, so that nothing is glued to it; the line comes once more.
            start = b"\n" if self._torn == self._identity else b""
            done = os.write(self._fd, start + data) - len(start)
        except OSError as error:
            self._fail(file, error)
            return lines
        self._torn = None
        if done < len(data):
            count = data.count(b"\n", 0, max(done, 0))
            if done > 0 and data[done - 1] != _LINE_END:
                self._torn = self._identity
        self._count(count, sum(map(len, lines[:count])))
        if self.trouble is not None and count:
            self.trouble = None
            log.info("access_log_written_again", file=file)
        return lines[count:]

    def _count(self, lines: int, size: int) -> None:
        with self._counting:
            if not self._is_left:
                self._cells[self._written] += lines
        self.done_bytes += size

    def _open(self, file: str) -> None:
        """Have ``file`` open: anew, if it is another one than before or its name stands for another one now."""
        if self._fd >= 0 and file == self._file:
            if file in STREAMS:
                return
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.stat(file), os.fstat(self._fd)):  # noqa: PTH116 - a text is as good a path
                    return
        self._close()
        if file in STREAMS:
            self._fd = os.dup(STREAMS[file])
        else:
            # Without waiting for somebody who reads a pipe: that there is nobody is a trouble that can be told.
            flags = (
                os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
            )
            self._fd = os.open(file, flags, _MODE)
            os.set_blocking(self._fd, True)
        self._file = file
        found = os.fstat(self._fd)
        self._identity = (found.st_dev, found.st_ino)
        self._is_regular = stat.S_ISREG(found.st_mode)

    def _fail(self, file: str, error: OSError) -> None:
        self._close()
        was_well = self.trouble is None
        self.trouble = DISK_FULL if error.errno in _FULL else NOT_WRITABLE
        if was_well:
            log.error("access_log_not_written", file=file, error=error.strerror or str(error))

    def _close(self) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):  # what a slow disk says of writes before
                os.close(self._fd)
            self._fd = -1
