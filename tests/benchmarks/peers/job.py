"""The job that every proxy is given, and the text of their configurations."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from string import Template

TEMPLATES = Path(__file__).with_name("templates")
PERCENT = 50
USER_COOKIE = "fig_user"


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of a proxy. Requests that no route claims go to the control."""

    routes: int = 10
    split: bool = True
    """Half of the users go to the candidate; else all go to the control."""
    access_log: bool = False
    stage: str | None = None
    """Of ours alone: another stage than the split asks for."""

    @property
    def prefixes(self) -> list[str]:
        """What the routes begin with."""
        return [_prefix(number) for number in range(self.routes)]

    def prefix_of(self, number: int, of: int) -> str:
        """The prefix that the ``number``-th of ``of`` users asks for: spread over all, the last one among them."""
        return _prefix((self.routes - 1) * number // max(1, of - 1))


@dataclass(frozen=True, slots=True)
class Place:
    """Where one proxy runs, and who stands behind it. Ports are of 127.0.0.1."""

    folder: Path
    port: int
    admin: int
    control: int
    candidate: int

    @property
    def access_log(self) -> Path:
        """Where a proxy that writes files puts a line for each request."""
        return self.folder / "access.log"


def _prefix(number: int) -> str:
    return f"/api/c{number}/"


class Configuration(Template):
    """``@{name}`` is replaced; ``$`` belongs to the proxies."""

    delimiter = "@"
    pattern = r"@(?:(?P<escaped>(?!))|\{(?P<braced>[a-z_]+)\}|(?P<named>(?!))|(?P<invalid>(?!)))"  # type: ignore[assignment]


def render(template: str, place: Place, **values: object) -> str:
    """The text of ``templates/template``; a name that it has and nobody gives is a ``KeyError``."""
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    return Configuration(text).substitute(
        folder=place.folder,
        port=place.port,
        admin=place.admin,
        control=place.control,
        candidate=place.candidate,
        percent=PERCENT,
        rest=100 - PERCENT,
        cookie=USER_COOKIE,
        access_log_file=place.access_log,
        **values,
    )


def user(number: int) -> str:
    """The cookie value of one user: 22 characters of base64url, the same in every run."""
    digest = hashlib.sha256(f"user {number}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
