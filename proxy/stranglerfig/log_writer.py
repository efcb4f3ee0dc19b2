"""Lines on their way to a file descriptor whose reader may stop reading: whoever writes one never waits for it."""

import atexit
import contextvars
import io
import os
import queue
import select
import threading
from typing import Final

import structlog

MAX_LINES: Final = 1000
_LAST_LINES_S: Final = 0.4  # is waited at the end, of a child's 2 s
log = structlog.get_logger(__name__)


class _Begun(threading.local):
    """The line that a thread has begun."""

    text = ""


class LogWriter(io.TextIOBase):
    """A text stream by a thread of its own. Lines for which there is no room are counted, and told of when there is."""

    encoding = "utf-8"

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self.encoding = encoding
        self._descriptor = descriptor
        self._begun = _Begun()
        # One that may be put into while something is put into it: by what is collected as garbage, say.
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._counting = threading.RLock()
        self._lost = 0  # counted by who writes, and
        self._told = 0  # by the thread: so neither takes from the other
        # What is in every line of this process is to be in this one's too.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._run,), name="log", daemon=True).start()
        atexit.register(self.drain)

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """Where the lines go."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether that is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, text: str) -> int:
        """Take the lines that end in ``text``, or lose them. Never waits, and never raises."""
        lines, end, self._begun.text = (self._begun.text + text).rpartition("\n")
        if end:
            self._take(lines + end)
        return len(text)

    def flush(self) -> None:
        """Do nothing: each line is written as soon as it can be."""

    def drain(self) -> None:
        """Wait until all so far is written, unless nobody reads it."""
        if self._begun.text:
            self.write("\n")
        is_written = threading.Event()
        self._lines.put(is_written)
        is_written.wait(_LAST_LINES_S)

    def _take(self, lines: str) -> None:
        if self._lines.qsize() < MAX_LINES:
            self._lines.put(lines)
        else:
            with self._counting:
                self._lost += lines.count("\n")

    def _run(self) -> None:
        while True:
            taken = self._lines.get()
            if isinstance(taken, str):
                self._write_out(taken.encode(self.encoding, "backslashreplace"))
            untold = self._lost - self._told
            if untold and self._lines.empty():
                self._told += untold
                log.warning("log_lines_lost", count=untold)
                if isinstance(taken, threading.Event):
                    self._lines.put(taken)  # behind that line
                    continue
            if isinstance(taken, threading.Event):
                taken.set()

    def _write_out(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # somebody else who has it open made it so
                room = select.poll()
                room.register(self._descriptor, select.POLLOUT)
                room.poll()
            except OSError:  # the terminal or the pipe is gone; the process goes on
                return
