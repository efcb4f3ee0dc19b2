"""Paths that a pattern matches: a few of each, so that alternatives in it are asked for one by one.

A sample is taken only if Django's own patterns, one after another, match it; so a path that could not be made is said
to be missing, and never guessed.
"""

from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.utils import translation

from chassis.ops.doctor.routes.matching import Chain, Matcher
from chassis.ops.doctor.routes.pieces import Pieces, combinations
from chassis.ops.doctor.routes.regex import NoTextError
from chassis.ops.doctor.routes.sample import Run, Sample
from chassis.ops.doctor.routes.trials import Trials
from chassis.ops.doctor.routes.walking import Entry

# Of more languages the default one and those that come first in LANGUAGES are asked for.
MAX_LANGUAGES: Final = 12
MAX_SAMPLES: Final = 48


@dataclass
class Samples:
    """What was made for one entry."""

    own: list[Sample] = field(default_factory=list)
    """Those that lead to it."""
    taken: list[tuple[Sample, Chain]] = field(default_factory=list)
    """Those that a pattern before it takes, with that one."""
    untried: str = ""
    """What is known to have been left out, because a bound was reached."""


class Sampler:
    """Makes samples for the entries of one URLconf."""

    def __init__(self, urlconf: str | None, trials: Trials) -> None:
        self._urlconf = urlconf
        self.trials = trials
        self._pieces = Pieces(trials)
        self._matchers: dict[str, Matcher] = {}
        self._all_languages = _languages()
        self.languages = self._all_languages[:MAX_LANGUAGES]

    def matcher(self, language: str) -> Matcher:
        """First matches in `language`."""
        if language not in self._matchers:
            self._matchers[language] = Matcher(self._urlconf, language, self.trials)
        return self._matchers[language]

    def samples(self, entry: Entry) -> Samples:
        """Paths for `entry`. Raises NoTextError."""
        made = Samples()
        languages = self.languages if entry.translated else self.languages[:1]
        is_cut = False
        for language in languages:
            samples, was_cut = self._made(entry, language)
            is_cut = is_cut or was_cut
            for sample in samples:
                self._sort(entry.chain, sample, made)
        if not made.own and not made.taken:
            raise NoTextError("no path could be made that it matches")
        made.untried = self._untried(entry, len(made.own) if is_cut else 0)
        return made

    def _untried(self, entry: Entry, of_more: int) -> str:
        said = []
        if of_more:
            said.append(f"it takes more kinds of paths than the {of_more} that were asked for")
        if entry.translated and len(self._all_languages) > len(self.languages):
            said.append(
                f"{len(self.languages)} of {len(self._all_languages)} languages were asked for"
            )
        return "; ".join(said)

    def _made(self, entry: Entry, language: str) -> tuple[list[Sample], bool]:
        """Samples that may match, and whether there are more."""
        with translation.override(language):
            pieces = [self._pieces.of(one.pattern) for one in entry.chain]
        combined, is_cut = combinations(pieces, MAX_SAMPLES)
        start = Run("/", False)
        found: dict[str, Sample] = {}
        for parts in combined:
            sample = Sample((start, *(run for runs in parts for run in runs)), language)
            found.setdefault(sample.path, sample)
        return list(found.values()), is_cut

    def _sort(self, chain: Chain, sample: Sample, made: Samples) -> None:
        matcher = self.matcher(sample.language)
        if not matcher.matches(chain, sample.path):
            return
        first = matcher.first(sample.path)
        if first is None:
            return
        if len(first) == len(chain) and all(a is b for a, b in zip(first, chain, strict=True)):
            made.own.append(sample)
        else:
            made.taken.append((sample, first))


def _languages() -> list[str]:
    """The default language first."""
    if not settings.USE_I18N:
        return [settings.LANGUAGE_CODE]
    others = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    return [settings.LANGUAGE_CODE, *others]
