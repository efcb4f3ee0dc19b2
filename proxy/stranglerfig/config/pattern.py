"""The language of routes: ``METHODS PATH``, what a pattern matches, and which of two is the more specific.

A path is compared in the form in which WSGI hands it to Django: percent-decoded once, nothing merged, nothing
resolved, so ``/x`` and ``/x/`` are two paths. A segment of a pattern is one of

====================  ==========================================  ==============
``about``             that text                                   most specific
``{name}``            one segment
``*.json``, ``*``     one segment, in which ``*`` is any, even no text
``**`` (last only)    whatever follows, also nothing              least specific
====================  ==========================================  ==============

An empty segment, as behind the slash of ``/x/``, matches only itself and ``**``. Specificity goes segment by segment from the left: the first segment of different kind decides, and a pattern that
ends is more specific than one that goes on with ``**``. So the kinds of a pattern's segments, as a tuple, sort it.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum
from typing import Final

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 section 9.2.1

# What is passed on: what the HTTP parser knows and IANA registers for HTTP, and PURGE and QUERY. Not CONNECT, for the proxy is
# no tunnel, and not TRACE, which would show a client the headers that it adds for the upstream alone. Any other method
# never arrives, so a route for it is a typing mistake.
KNOWN_METHODS: Final = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ACL", "BIND", "CHECKOUT", "COPY", "LINK",
    "LOCK", "M-SEARCH", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE", "NOTIFY", "PROPFIND", "PROPPATCH",
    "PURGE", "QUERY", "REBIND", "REPORT", "SEARCH", "SUBSCRIBE", "UNBIND", "UNLINK", "UNLOCK",
    "UNSUBSCRIBE",
)  # fmt: skip

# Far above any URL that people write; bounds the depth of the compiled table.
MAX_SEGMENTS: Final = 64
MAX_CHARACTERS: Final = 2048

_UNMENTIONED: Final = "\x00"  # control characters are refused in patterns
_NAME: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}", re.ASCII)
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)

# Patterns of Django's urls.py: they would be read as literal text, and match nothing that a client sends.
_CONVERTER: Final = re.compile(r"<(?:(?P<kind>[^<>:/]*):)?(?P<name>[^<>/]*)>")
_REGEX: Final = re.compile(r"/?\^|.*\$\Z", re.DOTALL)
_GROUP: Final = re.compile(r"\(\?P<(?P<name>\w+)>", re.ASCII)


class PatternError(ValueError):
    """A route that cannot be read: ``message`` says why, ``mend`` what to write instead."""

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend


class Kind(IntEnum):
    """What a segment of a pattern is, the most specific first."""

    LITERAL = 0
    NAME = 1
    GLOB = 2
    REST = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a pattern. ``text`` is its literal text, or its glob; a name keeps none, for it decides nothing."""

    kind: Kind
    text: str = ""

    def matches(self, text: str) -> bool:
        """Whether this one segment matches ``text``; for ``**`` always."""
        match self.kind:
            case Kind.LITERAL:
                return text == self.text
            case Kind.NAME:
                return text != ""
            case Kind.GLOB:
                return text != "" and glob_matches(self.text, text)
            case Kind.REST:
                return True


@dataclass(frozen=True, slots=True)
class Pattern:
    """The path of a route, read."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What sorts patterns: of all that match a path, the one with the smallest ``kinds`` wins."""
        return tuple(segment.kind for segment in self.segments)

    def matches(self, path: str) -> bool:
        """Whether the pattern claims ``path`` (as WSGI hands it over)."""
        if not path.startswith("/"):
            return False
        return self.matches_segments(path.split("/")[1:])

    def matches_segments(self, parts: list[str]) -> bool:
        """The same for a path that is split already."""
        rest = bool(self.segments) and self.segments[-1].kind is Kind.REST
        fixed = self.segments[:-1] if rest else self.segments
        if len(parts) < len(fixed) or (not rest and len(parts) != len(fixed)):
            return False
        return all(segment.matches(part) for segment, part in zip(fixed, parts, strict=False))

    def witness(self) -> list[str]:
        """The segments of the path that is hardest to claim otherwise: who matches it matches all that this matches.

        Literal segments as they are; for a name and for a star a text that no pattern mentions; for ``**`` two empty
        segments, which nothing but a ``**`` at or before that place matches. For patterns compare a path only with
        what is written in them.
        """
        parts: list[str] = []
        for segment in self.segments:
            match segment.kind:
                case Kind.LITERAL:
                    parts.append(segment.text)
                case Kind.NAME:
                    parts.append(_UNMENTIONED)
                case Kind.GLOB:
                    parts.append(segment.text.replace("*", _UNMENTIONED))
                case Kind.REST:
                    parts += ["", ""]
        return parts


def glob_matches(glob: str, text: str) -> bool:
    """Whether ``text`` matches ``glob``, in time linear in ``text`` for each piece (a regular expression backtracks)."""
    first, *middle, last = glob.split("*")
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    start, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, start, end)
        if found < 0:
            return False
        start = found + len(piece)
    return True


def globs_overlap(one: str, other: str) -> bool:
    """Whether some text matches both globs."""
    # reached[j]: the part of `one` read so far and other[:j] have a text in common.
    reached = [True] + [False] * len(other)
    for j, sign in enumerate(other):
        reached[j + 1] = reached[j] and sign == "*"
    for mine in one:
        before, reached = reached, [reached[0] and mine == "*"]
        for j, its in enumerate(other):
            if mine == "*" or its == "*":
                reached.append(before[j + 1] or reached[j])
            else:
                reached.append(before[j] and mine == its)
    return reached[-1]


def parse_route(text: str) -> tuple[frozenset[str] | None, Pattern]:
    """Read ``METHODS PATH``; methods are None for ``*``. Raises PatternError."""
    words = text.strip().split(None, 1)
    if len(words) != 2:
        raise PatternError(
            f"{text!r} is not a route",
            "write METHODS PATH, such as GET /api/catalog/** or * /shop/**",
        )
    return parse_methods(words[0]), parse_pattern(words[1])


def parse_methods(text: str) -> frozenset[str] | None:
    """Read ``GET,POST`` or ``*`` (None). Raises PatternError."""
    if text == "*":
        return None
    if text.startswith("/"):
        raise PatternError(
            f"{text!r} stands where the methods belong", f"write * {text} or GET {text}"
        )
    methods: set[str] = set()
    for written in text.split(","):
        method = written.upper()
        if method in methods:
            raise PatternError(f"method {method} is written twice", "write each method once")
        if method == "*":
            raise PatternError("* beside other methods says nothing more than *", "write * alone")
        if method not in KNOWN_METHODS:
            near = get_close_matches(method, KNOWN_METHODS, 1, 0.5)
            raise PatternError(
                f"{written!r} is no method that the proxy passes on",
                f"write {near[0]}" if near else "write methods such as GET,POST, or * for any",
            )
        methods.add(method)
    if "HEAD" in methods and "GET" not in methods:
        raise PatternError("a route for HEAD alone never matches: HEAD follows GET", "write GET")
    if methods == {"OPTIONS"}:
        raise PatternError(
            "a route for OPTIONS alone never matches: OPTIONS follows the most specific path",
            "write the methods that the path answers, or *",
        )
    return frozenset(methods)


def parse_pattern(text: str) -> Pattern:
    """Read the path of a route. Raises PatternError."""
    _refuse_django(text)
    if not text.startswith("/"):
        raise PatternError(f"path {text!r} does not begin with a slash", f"write /{text}")
    if len(text) > MAX_CHARACTERS:
        raise PatternError(
            f"the path is longer than {MAX_CHARACTERS} characters", "shorten it with ** at its end"
        )
    for sign, mend in (
        ("?", "a route cannot look at the query"),
        ("#", "no client sends a fragment"),
    ):
        if sign in text:
            raise PatternError(f"path {text!r} holds a {sign}", f"remove it: {mend}")
    if any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in text):
        raise PatternError(f"path {text!r} holds a control character", "remove it")
    if encoded := _ENCODED.search(text):
        raise PatternError(
            f"path {text!r} is percent-encoded",
            f"write the character itself instead of {encoded[0]}",
        )
    parts = text.split("/")[1:]
    if len(parts) > MAX_SEGMENTS:
        raise PatternError(
            f"the path has more than {MAX_SEGMENTS} segments", "shorten it with ** at its end"
        )
    if parts[0] == "_chassis":
        raise PatternError(
            "/_chassis is never reachable from outside, so this never matches", "remove the route"
        )
    last = len(parts) - 1
    return Pattern(text, tuple(_segment(part, text, i == last) for i, part in enumerate(parts)))


def _refuse_django(text: str) -> None:
    """Refuse what is copied from ``path()`` and ``re_path()`` of Django. Raises PatternError."""
    if _REGEX.match(text) or "(?" in text:
        group = _GROUP.search(text)
        name = f"{{{group['name']}}}" if group else "{name}"
        raise PatternError(
            f"path {text!r} looks like a regular expression, which a route is not",
            f"write {name} for one segment, ** at the end for the rest, and no ^, $ or group",
        )
    if found := _CONVERTER.search(text):
        name = f"{{{found['name']}}}"
        mend = f"write {name if _NAME.fullmatch(name) else '{name}'}"
        if found["kind"] == "path":
            mend = "write ** at the end: it is the rest, slashes included"
        raise PatternError(f"path {text!r} holds {found[0]}, as Django writes it", mend)


def _segment(part: str, path: str, is_last: bool) -> Segment:
    if part == "**":
        if not is_last:
            raise PatternError(f"** is not at the end of {path!r}", "write {name} for one segment")
        return Segment(Kind.REST)
    if "**" in part:
        raise PatternError(f"** is not a whole segment in {path!r}", "write * within a segment")
    if part in (".", ".."):
        raise PatternError(f"{path!r} holds a dot segment", "write the path without it")
    if not part and not is_last:
        raise PatternError(f"{path!r} holds two slashes in a row", "remove one")
    if _NAME.fullmatch(part):
        return Segment(Kind.NAME)
    if "{" in part or "}" in part:
        raise PatternError(
            f"{part!r} in {path!r} is neither text nor a name",
            "a name stands for a whole segment, such as /{slug}/; within a segment write *",
        )
    return Segment(Kind.GLOB if "*" in part else Kind.LITERAL, part)
