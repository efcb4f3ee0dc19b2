"""The three comments that mean something: ``run:`` and ``from:`` above a block of code, ``mark:`` on a line of its own."""

import re
import shlex
from dataclasses import dataclass
from difflib import get_close_matches

_KINDS = ("run", "from", "mark")
_LOOKS_LIKE_ONE = re.compile(r"(?i)^([a-z]+)\s*:\s*(.*)$", re.DOTALL)
_TERMINAL = re.compile(r"[a-z][a-z0-9-]*")
_MARK = re.compile(r"[a-z][a-z0-9-]*")
_DURATION = re.compile(r"(\d+)(s|min)")
OPTIONS = ("terminal", "stays", "exit", "within", "eventually", "skip")
_HIGHEST_EXIT = 255
_LONGEST_S = 900  # the whole guide shall take ten minutes
WITHIN_S = 120.0
MAIN = "main"


class DirectiveError(Exception):
    """A comment that means nothing: ``message`` says why, ``mend`` what to do."""

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Directive:
    """What a comment says: of a command block by the fields below ``terminal``, else by ``target``."""

    kind: str
    target: str = ""
    """Of ``from:`` what is quoted, of ``mark:`` its name."""
    terminal: str = MAIN
    stays: bool = False
    exit: int | None = None
    within_s: float = WITHIN_S
    eventually_s: float | None = None
    skip: str | None = None


def read_directive(comment: str) -> Directive | None:
    """Read the text of a comment; None if it is one for people. Raises DirectiveError."""
    found = _LOOKS_LIKE_ONE.match(comment)
    if not found:
        return None
    kind, rest = found[1], found[2].strip()
    if kind not in _KINDS:
        if near := get_close_matches(kind.lower(), _KINDS, n=1, cutoff=0.7):
            raise DirectiveError(f"`{kind}:` is no word of the format", f"write `{near[0]}:`")
        return None
    if kind == "run":
        return _read_run(rest)
    if not rest:
        raise DirectiveError(f"`{kind}:` names nothing", f"write what it is: `{kind}: …`")
    if kind == "mark" and not _MARK.fullmatch(rest):
        raise DirectiveError(
            f"the mark {rest!r} is no name", "use small letters, digits and hyphens"
        )
    return Directive(kind, target=rest)


def _read_run(text: str) -> Directive:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise DirectiveError(
            f"`run:` can't be read: {error}", 'close the quotes: skip="why"'
        ) from None
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in OPTIONS:
            near = get_close_matches(name, OPTIONS, n=1)
            mend = (
                f"write `{near[0]}`" if near else f"use {', '.join(OPTIONS[:-1])} or {OPTIONS[-1]}"
            )
            raise DirectiveError(f"`run:` knows no {name!r}", mend)
        if name in given:
            raise DirectiveError(f"{name!r} is said twice", "keep one")
        if (name == "stays") == bool(equals):
            takes = "`stays` takes no value" if name == "stays" else f"{name!r} needs a value"
            raise DirectiveError(takes, "write `stays`" if name == "stays" else f"write `{name}=…`")
        given[name] = value
    if not given:
        raise DirectiveError(
            "`run:` says nothing", "take the comment away: that is how most blocks are"
        )
    _check_together(given)
    return Directive(
        "run",
        terminal=_terminal(given.get("terminal", MAIN)),
        stays="stays" in given,
        exit=_exit(given["exit"]) if "exit" in given else None,
        within_s=_duration("within", given["within"]) if "within" in given else WITHIN_S,
        eventually_s=_duration("eventually", given["eventually"])
        if "eventually" in given
        else None,
        skip=_reason(given["skip"]) if "skip" in given else None,
    )


def _check_together(given: dict[str, str]) -> None:
    for one, other in (("stays", "exit"), ("stays", "eventually"), ("within", "eventually")):
        if one in given and other in given:
            raise DirectiveError(f"`{one}` and `{other}` exclude each other", "keep one")
    if "skip" in given and len(given) > 1:
        raise DirectiveError("a skipped block needs nothing but its reason", "keep `skip` alone")


def _terminal(name: str) -> str:
    if not _TERMINAL.fullmatch(name):
        raise DirectiveError(
            f"the terminal {name!r} has no proper name", "use small letters, digits and hyphens"
        )
    return name


def _exit(value: str) -> int:
    if not value.isdecimal() or int(value) > _HIGHEST_EXIT:
        raise DirectiveError(f"{value!r} is no exit code", "write a number from 0 to 255")
    return int(value)


def _duration(name: str, value: str) -> float:
    found = _DURATION.fullmatch(value)
    seconds = int(found[1]) * (60 if found[2] == "min" else 1) if found else 0
    if not 0 < seconds <= _LONGEST_S:
        raise DirectiveError(
            f"`{name}={value}` is no time that can be waited for",
            f"write {name}=90s or {name}=3min, {_LONGEST_S} s at most",
        )
    return float(seconds)


def _reason(value: str) -> str:
    if not value.strip():
        raise DirectiveError("`skip` gives no reason", 'say why: skip="opens a browser"')
    return value
