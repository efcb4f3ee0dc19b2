"""The audit log: who changed what, when, why, and how fast it held. One JSON object a line, only ever appended."""

import getpass
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger(__name__)

AUDIT_NAME = "audit.jsonl"


def append(state_dir: Path, event: str, **facts: Any) -> None:
    """Append one entry in one write, so that two writers never mix their lines.

    A disk that is full must not keep an abort from holding: the failure is logged with the entry itself.
    """
    entry = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
    line = json.dumps(entry, ensure_ascii=False, default=str).encode() + b"\n"
    try:
        fd = os.open(
            state_dir / AUDIT_NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        try:
            line = _line_end_missing(fd) + line
            if (written := os.write(fd, line)) != len(line):
                raise OSError(f"only {written} of {len(line)} bytes found room")
        finally:
            os.close(fd)
    except OSError as error:
        log.error("audit_not_written", error=str(error), entry=entry)


def _line_end_missing(fd: int) -> bytes:
    """The line end that an entry cut short (a full disk) lacks, so that it does not take the next one with it."""
    size = os.fstat(fd).st_size
    return b"\n" if size and os.pread(fd, 1, size - 1) != b"\n" else b""


def read(state_dir: Path) -> list[dict[str, Any]]:
    """Every entry, oldest first; a line that a crash cut short is passed over."""
    entries: list[dict[str, Any]] = []
    try:
        lines = (state_dir / AUDIT_NAME).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


def whoami() -> str:
    """The person at this machine: ``user@host``."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
