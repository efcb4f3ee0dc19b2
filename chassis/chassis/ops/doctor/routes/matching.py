"""Which pattern Django would choose for a path: the first that matches, in the order of the URLconf.

Patterns are asked by their own `match`, as `URLResolver.resolve` does; only those are asked whose literal beginning
the path has, so that ten thousand patterns can be tried against each other.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.urls import get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern
from django.utils import translation

from chassis.ops.doctor.routes.regex import literal_prefix
from chassis.ops.doctor.routes.trials import Trials
from chassis.ops.doctor.routes.walking import is_plain_resolver, is_resolver

Chain = tuple[Any, ...]


class _Level:
    """The children of one resolver, by their literal beginning."""

    def __init__(self, children: Sequence[Any]) -> None:
        self._children = list(children)
        self._by_beginning: dict[str, list[int]] = {}
        for number, child in enumerate(self._children):
            self._by_beginning.setdefault(_beginning(child), []).append(number)
        self._longest = max(map(len, self._by_beginning), default=0)

    def candidates(self, path: str) -> list[Any]:
        """Those that may match, in the order of the URLconf."""
        found: list[int] = []
        for length in range(min(len(path), self._longest) + 1):
            found += self._by_beginning.get(path[:length], ())
        return [self._children[number] for number in sorted(found)]


class Matcher:
    """First matches in one URLconf, in one language. A pattern that takes too long is passed over; `trials` names it."""

    def __init__(self, urlconf: str | None, language: str, trials: Trials) -> None:
        self._root = get_resolver(urlconf)
        self._trials = trials
        self._language = language
        self._levels: dict[int, _Level] = {}

    def first(self, path: str) -> Chain | None:
        """The resolvers and the pattern that take `path` (with its first slash), or None."""
        with translation.override(self._language):
            return self._first(self._root, path.removeprefix("/"), (self._root,))

    def matches(self, chain: Chain, path: str) -> bool:
        """Whether the patterns of `chain`, one after another, match `path`. Raises what a converter raises."""
        rest = path.removeprefix("/")
        with translation.override(self._language):
            for one in chain:
                if not self._trials.is_in_time(one.pattern, rest):
                    return False
                found = one.pattern.match(rest)
                if found is None:
                    return False
                rest = str(found[0])
        return True

    def _first(self, resolver: Any, path: str, seen: Chain) -> Chain | None:
        for child in self._level(resolver).candidates(path):
            rest = self._match(child, path)
            if rest is None:
                continue
            if not is_resolver(child):
                return (child,)
            if not is_plain_resolver(child):
                with suppress(Exception):
                    if child.resolve(path) is not None:
                        return (child,)
                continue
            if any(child is other for other in seen) and rest == path:
                continue
            if below := self._first(child, rest, (*seen, child)):
                return (child, *below)
        return None

    def _match(self, child: Any, path: str) -> str | None:
        """What `child` leaves of `path`; None: it does not match, or fails at it (the entry tells of that)."""
        try:
            if not self._trials.is_in_time(child.pattern, path):
                return None
            found = child.pattern.match(path)
        except Exception:
            return None
        return None if found is None else str(found[0])

    def _level(self, resolver: Any) -> _Level:
        level = self._levels.get(id(resolver))
        if level is None:
            children: Sequence[Any] = ()
            with suppress(Exception):
                children = resolver.url_patterns
            level = self._levels[id(resolver)] = _Level(children)
        return level


def _beginning(child: Any) -> str:
    """A text with which every path begins that `child` matches; empty when that is not certain."""
    pattern = getattr(child, "pattern", None)
    try:
        if type(pattern) is RoutePattern:
            return str(pattern).partition("<")[0]
        if type(pattern) is RegexPattern:
            return literal_prefix(pattern.regex)
        if type(pattern) is LocalePrefixPattern:
            return pattern.language_prefix
    except Exception:
        return ""
    return ""
