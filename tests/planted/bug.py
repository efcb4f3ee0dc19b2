"""What a planted bug is: a name, a sentence, the requests that reach it, and where a comparison must find it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stranglerfig.compare.diff.difference import BODY, STATUS, Kind


@dataclass(frozen=True)
class Step:
    """One request of a session. `{words}` in `path` and in texts of `content` are filled in (`words.py`)."""

    method: str
    path: str
    status: int = 200
    """What the control must answer, or the session does not reach what it is for."""
    content: Mapping[str, Any] | None = None
    """Sent as JSON, with the CSRF token of the session; or, with `form`, typed into that form."""
    form: str = ""
    """The page at `path` is opened and its form with this field sent, as a browser would."""
    headers: Mapping[str, str] = field(default_factory=dict)
    has_token: bool = True


def get(path: str, status: int = 200, **headers: str) -> Step:
    """Ask for a page or an answer of the API."""
    return Step("GET", path, status, headers=headers)


def send(method: str, path: str, content: Mapping[str, Any], status: int = 200) -> Step:
    """Write through the API."""
    return Step(method, path, status, content)


def submit(path: str, form: str, changes: Mapping[str, Any]) -> Step:
    """Fill in a form of a page and send it; the shop redirects."""
    return Step("POST", path, 302, changes, form)


@dataclass(frozen=True)
class Place:
    """Where, and as what kinds of difference, a bug must be found."""

    where: str
    kinds: tuple[Kind, ...]
    path: str | None = None
    """The template of the path, such as `$.results[].price`; None: anywhere there, as in a page."""

    def __str__(self) -> str:
        words = (self.where, self.path or "", "/".join(kind.value for kind in self.kinds))
        return " ".join(word for word in words if word)


def in_json(path: str, kind: Kind) -> Place:
    """A place in a JSON body."""
    return Place(BODY, (kind,), path)


def in_page() -> Place:
    """Somewhere in an HTML page."""
    return Place(BODY, (Kind.VALUE, Kind.MISSING, Kind.EXTRA, Kind.SIZE))


def in_header(name: str, kind: Kind, part: str = "") -> Place:
    """A header, or a part of it such as `[sessionid].httponly`."""
    return Place(f"header {name}", (kind,), part)


IN_STATUS = Place(STATUS, (Kind.VALUE,), "")


@dataclass(frozen=True)
class Bug:
    """One planted bug."""

    name: str
    about: str
    """What part of the shop's behaviour it breaks, in a word or two."""
    what: str
    session: tuple[Step, ...]
    found: Place
    """In the answer to the last step; all that come before must be alike."""
    visitor: str = ""
    """Who is logged in already when the session begins; empty: a guest."""
