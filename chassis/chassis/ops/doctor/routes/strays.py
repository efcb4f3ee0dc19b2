"""The other way round: routes of fig.yaml that no pattern of the URLconf answers to.

A route that a sample was claimed by leads somewhere. For each other one, paths are made that it claims: from itself,
and from the samples, with its literal segments in the place of what is free in them. The first that some pattern
matches is enough; that pattern is then asked for that path too, since it was claimed for a part of it only.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from chassis.ops.doctor.proxy import Running
from chassis.ops.doctor.routes.matching import Chain
from chassis.ops.doctor.routes.methods import Methods
from chassis.ops.doctor.routes.sample import Run, Sample
from chassis.ops.doctor.routes.sampling import Sampler
from chassis.ops.doctor.routes.verdict import Outcome

_GUESSES = ("1", "example", "an-example", "2024", "075194d3-6885-417e-a8a8-6c931e272f00")

_Known = tuple[list[tuple[str, bool]], str]
"""A sample's segments, and its language."""


@dataclass(frozen=True)
class Stray:
    """A route that leads nowhere."""

    capability: str
    route: str
    why: str


class Hit(NamedTuple):
    """A path that a route claims though no sample was, and the pattern that takes it."""

    capability: str
    route: str
    sample: Sample
    chain: Chain

    def miss(self, methods: Methods) -> Stray | None:
        """Whether the route is for other methods than the view takes."""
        wanted = _read(self.route)[0]
        if not methods.declared or "*" in wanted or wanted & set(methods.names):
            return None
        takes = ", ".join(methods.names)
        return Stray(self.capability, self.route, f"the view behind it takes {takes} alone")


def find_strays(
    running: Running,
    outcomes: Collection[Outcome],
    samples: Sequence[Sample],
    sampler: Sampler,
    prefix: str,
) -> tuple[list[Stray], list[Hit]]:
    """The routes that lead nowhere, and for the others that no sample was claimed by, the path that is."""
    claimed = {(outcome.capability, *_read(outcome.route)) for outcome in outcomes if outcome.route}
    known = [(sample.segments(), sample.language) for sample in samples]
    strays: list[Stray] = []
    hits: list[Hit] = []
    for name, capability in running.capabilities.items():
        for written in capability["routes"]:
            methods, path = _read(written["match"])
            if (name, methods, path) in claimed or _is_served_beside(path):
                continue
            found = _find(path, known, sampler, prefix)
            if found is None:
                strays.append(Stray(name, written["match"], "no pattern of the URLconf matches it"))
            else:
                hits.append(Hit(name, written["match"], *found))
    return strays, hits


def _read(route: str) -> tuple[frozenset[str], str]:
    methods, _, path = route.partition(" ")
    return frozenset(methods.split(",")), path.strip()


def _is_served_beside(path: str) -> bool:
    """Whether it is for files that a middleware or a web server hands out, past the URLconf."""
    beginnings = (
        urlsplit(str(url or "")).path for url in (settings.STATIC_URL, settings.MEDIA_URL)
    )
    return any(
        beginning not in ("", "/") and path.startswith(beginning) for beginning in beginnings
    )


def _find(
    path: str, known: Sequence[_Known], sampler: Sampler, prefix: str
) -> tuple[Sample, Chain] | None:
    if not path.startswith(prefix):
        return None
    wanted = path.removeprefix(prefix).split("/")[1:]
    tried: set[tuple[str, str]] = set()
    for candidate, language in _candidates(wanted, known, sampler.languages):
        if (candidate, language) in tried:
            continue
        tried.add((candidate, language))
        chain = sampler.matcher(language).first(candidate)
        if chain is not None:
            return Sample((Run(candidate, True),), language), chain
    return None


def _candidates(
    wanted: list[str], known: Iterable[_Known], languages: Sequence[str]
) -> Iterator[tuple[str, str]]:
    rests: tuple[list[str], ...] = ([],)
    if wanted and wanted[-1] == "**":
        wanted = wanted[:-1]
        rests = ([], [""], ["example"], ["example", ""], ["1"], ["1", ""])
    for guess in _GUESSES:
        own = [_filled(segment, guess) for segment in wanted]
        for rest in rests:
            for language in languages:
                yield "/" + "/".join([*own, *rest]), language
    is_open = len(rests) > 1
    for found, language in known:
        if len(found) < len(wanted) or (not is_open and len(found) != len(wanted)):
            continue
        if all(_fits(segment, part) for segment, part in zip(wanted, found, strict=False)):
            mixed = [_mixed(segment, part) for segment, part in zip(wanted, found, strict=False)]
            rest = [text for text, _ in found[len(wanted) :]]
            yield "/" + "/".join([*mixed, *rest]), language


def _filled(segment: str, guess: str) -> str:
    return guess if _is_name(segment) else segment.replace("*", guess)


def _fits(segment: str, part: tuple[str, bool]) -> bool:
    text, free = part
    return free or text == segment or _is_name(segment) or "*" in segment


def _mixed(segment: str, part: tuple[str, bool]) -> str:
    if _is_name(segment):
        return part[0]
    return segment.replace("*", part[0]) if "*" in segment else segment


def _is_name(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("}")
