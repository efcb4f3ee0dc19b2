"""Files of one JSON object a line that are only ever appended: the audit log, and what people decided about differences.

One write for each entry, at the end of the file, so that two writers never mix their lines and none waits for another.
What a kill or a full disk cuts short costs that entry alone.
"""

import json
import os
from pathlib import Path
from typing import Any


def append(path: Path, entry: dict[str, Any], *, is_durable: bool = False) -> None:
    """Append one entry; with ``is_durable`` it is on the disk when this returns. Raises ``OSError``."""
    line = json.dumps(entry, ensure_ascii=False, default=str).encode() + b"\n"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        line = _line_end_missing(fd) + line
        if (written := os.write(fd, line)) != len(line):
            raise OSError(f"only {written} of {len(line)} bytes found room")
        if is_durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def read(path: Path) -> list[dict[str, Any]]:
    """Every entry, oldest first; a line that was cut short is passed over. Empty without a file. Raises ``OSError``."""
    entries: list[dict[str, Any]] = []
    try:
        lines = path.read_bytes().split(b"\n")
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


def _line_end_missing(fd: int) -> bytes:
    """The line end that an entry cut short lacks, so that it does not take the next one with it."""
    size = os.fstat(fd).st_size
    return b"\n" if size and os.pread(fd, 1, size - 1) != b"\n" else b""
