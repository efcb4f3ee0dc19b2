"""Routes that contradict each other: two that claim the same requests alike, and one that can never match.

Whether a route can match is answered by one path, its witness: a pattern that matches the witness matches every path
of the route. So the route is dead if more specific ones take its witness for all of its methods.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stranglerfig.config.model import Route
from stranglerfig.config.pattern import KNOWN_METHODS, Kind, globs_overlap

# HEAD goes with GET and OPTIONS with any method, so neither makes a route live.
_METHODS: Final = frozenset(KNOWN_METHODS) - {"HEAD", "OPTIONS"}

Kinds = tuple[Kind, ...]
Place = tuple[str, int]
"""A capability's name and the number of one of its routes."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The route at ``place`` cannot stand beside ``others``, which come before it or are more specific."""

    place: Place
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class _Entry:
    place: Place
    route: Route

    @property
    def methods(self) -> frozenset[str]:
        written = self.route.methods
        return _METHODS if written is None else written & _METHODS

    @property
    def name(self) -> str:
        return f"{self.route.text} of {self.place[0]}"


def find_conflicts(routes: Sequence[tuple[Place, Route]]) -> list[Conflict]:
    """Every route that ties with an earlier one or can never match, in the order given."""
    entries = [_Entry(place, route) for place, route in routes]
    ties = _ties(entries)
    shapes = _Shapes(entries)
    conflicts = []
    for entry in entries:
        if entry.place in ties:
            conflicts.append(_tie(entry, ties[entry.place]))
        elif winners := shapes.winners_of(entry):
            names = " and ".join(winner.name for winner in winners[:3])
            conflicts.append(
                Conflict(
                    entry.place,
                    f"{entry.route.text} can never match: more specific routes take all of it ({names})",
                    "remove it, or make it more specific",
                )
            )
    return conflicts


def _tie(entry: _Entry, earlier: _Entry) -> Conflict:
    shared = entry.methods & earlier.methods
    free = entry.methods - earlier.methods
    methods = (
        ",".join(sorted(shared, key=KNOWN_METHODS.index)) if len(shared) < 4 else "some methods"
    )
    mend = "remove one of them, or make one more specific"
    if free and entry.route.methods is None:
        mend += "; a route for any other method lists them, such as POST,PUT,PATCH,DELETE"
    return Conflict(
        entry.place,
        f"{entry.route.text} ties with {earlier.name}: both claim {methods} and neither is more specific",
        mend,
    )


def _ties(entries: Sequence[_Entry]) -> dict[Place, _Entry]:
    """For each route that ties with earlier ones, the first of those."""
    alike: defaultdict[tuple[tuple[Kind, str], ...], list[_Entry]] = defaultdict(list)
    ties: dict[Place, _Entry] = {}
    for entry in entries:
        shape = tuple(
            (segment.kind, segment.text if segment.kind is Kind.LITERAL else "")
            for segment in entry.route.parsed.segments
        )
        for earlier in alike[shape]:
            if entry.methods & earlier.methods and _globs_meet(entry, earlier):
                ties[entry.place] = earlier
                break
        alike[shape].append(entry)
    return ties


def _globs_meet(one: _Entry, other: _Entry) -> bool:
    return all(
        mine.kind is not Kind.GLOB or globs_overlap(mine.text, its.text)
        for mine, its in zip(one.route.parsed.segments, other.route.parsed.segments, strict=True)
    )


class _Shapes:
    """Routes by the kinds of their segments and by their literal texts: finds what matches without trying all."""

    def __init__(self, entries: Sequence[_Entry]) -> None:
        self._shapes: defaultdict[Kinds, defaultdict[tuple[str, ...], list[_Entry]]]
        self._shapes = defaultdict(lambda: defaultdict(list))
        for entry in entries:
            pattern = entry.route.parsed
            literals = tuple(s.text for s in pattern.segments if s.kind is Kind.LITERAL)
            self._shapes[pattern.kinds][literals].append(entry)

    def winners_of(self, entry: _Entry) -> list[_Entry]:
        """The more specific routes that together take all of ``entry``; none if it can match."""
        parts = entry.route.parsed.witness()
        left, winners = set(entry.methods), []
        for winner in self._matching(parts, entry.route.parsed.kinds):
            if winner.methods & left:
                winners.append(winner)
                left -= winner.methods
        return [] if left else winners

    def _matching(self, parts: list[str], kinds: Kinds) -> Iterator[_Entry]:
        """Routes that match ``parts`` and are more specific than ``kinds``."""
        for shape, by_literals in self._shapes.items():
            if shape < kinds and len(shape) <= len(parts) + (shape[-1] is Kind.REST):
                literals = tuple(
                    part for kind, part in zip(shape, parts, strict=False) if kind is Kind.LITERAL
                )
                for entry in by_literals.get(literals, ()):
                    if entry.route.parsed.matches_segments(parts):
                        yield entry
