"""Structured logs of every process: JSON lines for programs, coloured lines on a terminal, always to stderr."""

import logging
import os
import sys
from typing import Literal, TextIO, cast

import structlog

from stranglerfig.log_writer import LogWriter

LogFormat = Literal["json", "text"]
FORMAT_VARIABLE = "FIG_LOG"  # how the supervisor tells its children


def configure(log_format: LogFormat | None = None, **always: object) -> LogFormat:
    """Set up structlog for this process; ``always`` is put into every line. Gives the format that is used.

    From now on nobody waits for who reads stderr: whatever is written there, a library's traceback too, is by a thread.
    Without a format: ``FIG_LOG``, or text on a terminal and JSON elsewhere.
    """
    if log_format is None:
        written = os.environ.get(FORMAT_VARIABLE)
        is_text = written == "text" if written in ("json", "text") else sys.stderr.isatty()
        log_format = "text" if is_text else "json"
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty() and "NO_COLOR" not in os.environ,
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    # Never with local variables: they hold secrets, users' headers and bodies.
    traces = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    exceptions = [structlog.processors.ExceptionRenderer(traces)] if log_format == "json" else []
    structlog.contextvars.bind_contextvars(**always)
    sys.stderr = cast("TextIO", LogWriter(sys.stderr.fileno(), sys.stderr.encoding))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *exceptions,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    return log_format


def drain() -> None:
    """Write what was logged, unless nobody reads it: for a process that is about to end without ``atexit``."""
    stream: object = sys.stderr
    if isinstance(stream, LogWriter):
        stream.drain()
