"""Paths that a pattern matches: a few of each, so that alternatives in it are asked for one by one.

A sample is taken only if Django's own patterns, one after another, match it; so a path that could not be made is said
to be missing, and never guessed.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.urls import converters
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern
from django.utils import translation

from chassis.ops.doctor.routes.matching import Chain, Matcher
from chassis.ops.doctor.routes.regex import NoTextError, texts
from chassis.ops.doctor.routes.sample import Run, Runs, Sample
from chassis.ops.doctor.routes.walking import Entry

# Of many languages the default one and these many more are asked for.
MORE_LANGUAGES: Final = 4
MAX_SAMPLES: Final = 8
# What Django's own converters take; the first of each is what a proxy's route for "any" should claim.
_VALUES: Final[Mapping[type, tuple[str, ...]]] = {
    converters.IntConverter: ("1", "2024"),
    converters.StringConverter: ("example", "1", "other"),
    converters.SlugConverter: ("an-example", "example", "1"),
    converters.UUIDConverter: ("075194d3-6885-417e-a8a8-6c931e272f00",),
    converters.PathConverter: ("example", "an/example", "example/"),
}


class Sampler:
    """Makes samples for the entries of one URLconf."""

    def __init__(self, urlconf: str | None) -> None:
        self._urlconf = urlconf
        self._matchers: dict[str, Matcher] = {}
        self.languages = _languages()

    def matcher(self, language: str) -> Matcher:
        """First matches in `language`."""
        if language not in self._matchers:
            self._matchers[language] = Matcher(self._urlconf, language)
        return self._matchers[language]

    def samples(self, entry: Entry) -> tuple[list[Sample], list[tuple[Sample, Chain]]]:
        """Those that lead to `entry`, and those that a pattern before it takes, with that one. Raises NoTextError."""
        own: list[Sample] = []
        taken: list[tuple[Sample, Chain]] = []
        languages = self.languages if entry.translated else self.languages[:1]
        for language in languages:
            for sample in _made(entry, language):
                self._sort(entry.chain, sample, own, taken)
        if not own and not taken:
            raise NoTextError("no path could be made that it matches")
        return own, taken

    def _sort(
        self,
        chain: Chain,
        sample: Sample,
        own: list[Sample],
        taken: list[tuple[Sample, Chain]],
    ) -> None:
        matcher = self.matcher(sample.language)
        if not matcher.matches(chain, sample.path):
            return
        first = matcher.first(sample.path)
        if first is None:
            return
        if len(first) == len(chain) and all(a is b for a, b in zip(first, chain, strict=True)):
            own.append(sample)
        else:
            taken.append((sample, first))


def _languages() -> list[str]:
    """The default language first."""
    if not settings.USE_I18N:
        return [settings.LANGUAGE_CODE]
    others = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    return [settings.LANGUAGE_CODE, *others[:MORE_LANGUAGES]]


def _made(entry: Entry, language: str) -> list[Sample]:
    """Samples that may match. Every piece's alternatives occur, not every combination of them."""
    with translation.override(language):
        pieces = [_ways(one.pattern) for one in entry.chain]
    count = min(max(map(len, pieces)), MAX_SAMPLES)
    start = Run("/", False)
    found: dict[str, Sample] = {}
    for number in range(count):
        runs = (start, *(run for ways in pieces for run in ways[number % len(ways)]))
        sample = Sample(runs, language)
        found.setdefault(sample.path, sample)
    return list(found.values())


def _ways(pattern: Any) -> Sequence[Runs]:
    """The alternatives of one pattern, in the language that is active. Raises NoTextError."""
    if type(pattern) is LocalePrefixPattern:
        return [(Run(pattern.language_prefix, False),)]
    if isinstance(pattern, RoutePattern):
        return _route_ways(str(pattern), pattern.converters)
    if isinstance(pattern, RegexPattern):
        return texts(pattern.regex)
    if hasattr(pattern, "regex"):
        return texts(pattern.regex)
    raise NoTextError(f"patterns of the class {type(pattern).__name__} are not known here")


def _route_ways(route: str, own: Mapping[str, Any]) -> list[Runs]:
    literals, names = _split(route)
    values = [_values(type(own[name]), own[name].regex) for name in names]
    count = max(map(len, values), default=1)
    ways = []
    for number in range(count):
        runs = [Run(literals[0], False)]
        for literal, choices in zip(literals[1:], values, strict=True):
            runs += [Run(choices[number % len(choices)], True), Run(literal, False)]
        ways.append(tuple(run for run in runs if run.text))
    return ways


def _split(route: str) -> tuple[list[str], list[str]]:
    """A route's literal texts, and the names of the converters between them."""
    literals, names, rest = [], [], route
    while "<" in rest and ">" in rest.partition("<")[2]:
        literal, _, behind = rest.partition("<")
        written, _, rest = behind.partition(">")
        literals.append(literal)
        names.append(written.rpartition(":")[2])
    return [*literals, rest], names


def _values(kind: type, regex: str) -> tuple[str, ...]:
    return _VALUES[kind] if kind in _VALUES else _values_of(regex)


@cache
def _values_of(regex: str) -> tuple[str, ...]:
    return tuple("".join(run.text for run in runs) for runs in texts(re.compile(f"^(?:{regex})$")))
