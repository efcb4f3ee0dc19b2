"""Log lines on their way to a file descriptor whose reader may stop reading: whoever writes one never waits for it."""

import atexit
import contextvars
import os
import queue
import threading
from typing import Final

import structlog

MAX_LINES: Final = 1000
_LAST_LINES_S: Final = 0.2  # twice that at most is waited at the end, of the supervisor's 2 s
log = structlog.get_logger(__name__)


class LogWriter:
    """A text stream by a thread of its own. Lines for which there is no room are counted, and told of when there is."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_LINES)
        self._lost = 0  # counted by who writes, and
        self._told = 0  # by the thread: so neither takes from the other
        # What is in every line of this process is to be in this one's too.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, text: str) -> int:
        """Take a line, or lose it. Never waits, and never raises."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._lost += 1
        return len(text)

    def flush(self) -> None:
        """Do nothing: each line is written as soon as it can be."""

    def close(self) -> None:
        """Write what there is, unless nobody reads it."""
        atexit.unregister(self.close)
        try:
            self._lines.put(None, timeout=_LAST_LINES_S)
        except queue.Full:
            return
        self._thread.join(_LAST_LINES_S)

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            data = text.encode(errors="backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:  # the terminal or the pipe is gone; the process goes on
                continue
            untold = self._lost - self._told
            if untold and self._lines.empty():
                self._told += untold
                log.warning("log_lines_lost", count=untold)
