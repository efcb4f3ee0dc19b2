"""gunicorn's access log in a form that can be read back: one line per answered request."""

from dataclasses import dataclass
from pathlib import Path

# Tabs between, since none of these holds one: gunicorn escapes control characters.
FORMAT = "%(p)s\t%(s)s\t%({x-request-id}i)s\t%({fig-shadow}i)s\t%(r)s"


@dataclass(frozen=True)
class AccessLine:
    """One answered request as the upstream saw it."""

    method: str
    target: str
    """Path and query as they stood in the request line."""
    status: int
    request_id: str | None
    is_shadow: bool
    """Whether it carried the signed mark `Fig-Shadow`."""
    worker_pid: int


def read_access_log(path: Path) -> list[AccessLine]:
    """All complete lines so far, in the order in which answers ended."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    complete = text[: text.rfind("\n") + 1]
    return [_read(line) for line in complete.splitlines()]


def _read(line: str) -> AccessLine:
    pid, status, request_id, shadow, request_line = line.split("\t", 4)
    method, _, rest = request_line.partition(" ")
    return AccessLine(
        method=method,
        target=rest.rpartition(" ")[0],
        status=int(status),
        request_id=None if request_id == "-" else request_id,
        is_shadow=shadow != "-",
        worker_pid=int(pid.strip("<>")),
    )
