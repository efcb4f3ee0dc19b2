"""The audit log: who changed what, when, why, and how fast it held. One JSON object a line, only ever appended."""

import getpass
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from stranglerfig import json_lines

log = structlog.get_logger(__name__)

AUDIT_NAME = "audit.jsonl"


def append(state_dir: Path, event: str, **facts: Any) -> None:
    """Append one entry in one write, so that two writers never mix their lines.

    A disk that is full must not keep an abort from holding: the failure is logged with the entry itself.
    """
    entry = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
    try:
        json_lines.append(state_dir / AUDIT_NAME, entry)
    except OSError as error:
        log.error("audit_not_written", error=str(error), entry=entry)


def read(state_dir: Path) -> list[dict[str, Any]]:
    """Every entry, oldest first; a line that a crash cut short is passed over."""
    return json_lines.read(state_dir / AUDIT_NAME)


def whoami() -> str:
    """The person at this machine: ``user@host``."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
