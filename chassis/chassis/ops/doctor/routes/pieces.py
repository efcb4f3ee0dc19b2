"""What stands in a path for one pattern of a chain (an include's, the view's), and how such pieces are put together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final

from django.urls import converters
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern

from chassis.ops.doctor.routes.regex import NoTextError, Texts, continued, texts
from chassis.ops.doctor.routes.sample import Run, Runs
from chassis.ops.doctor.routes.trials import Trials

# What Django's own converters take; the first of each is what a proxy's route for "any" should claim.
_VALUES: Final[Mapping[type, tuple[str, ...]]] = {
    converters.IntConverter: ("1", "2024"),
    converters.StringConverter: ("example", "1", "other"),
    converters.SlugConverter: ("an-example", "example", "1"),
    converters.UUIDConverter: ("075194d3-6885-417e-a8a8-6c931e272f00",),
    converters.PathConverter: ("example", "an/example", "example/"),
}
MAX_WAYS: Final = 48


@dataclass(frozen=True)
class Piece:
    """The texts of one pattern."""

    ways: Sequence[Runs]
    is_cut: bool = False
    """It has more alternatives than these."""
    are_examples: bool = False
    """They stand for any value, so that each once is enough; alternatives are combined with each other."""


def combinations(pieces: Sequence[Piece], most: int) -> tuple[list[tuple[Runs, ...]], bool]:
    """Every combination of the pieces' alternatives; and whether some were left out.

    Beyond `most` every alternative occurs still, with one of the others each.
    """
    alternatives = [range(1) if piece.are_examples else range(len(piece.ways)) for piece in pieces]
    chosen = list(islice(product(*alternatives), most + 1))
    longest = max((len(piece.ways) for piece in pieces), default=1)
    is_over = len(chosen) > most
    count = min(max(len(chosen), longest), most)
    found = []
    for number in range(count):
        choice = chosen[number % len(chosen)]
        found.append(
            tuple(
                piece.ways[
                    number % len(piece.ways) if is_over or piece.are_examples else choice[place]
                ]
                for place, piece in enumerate(pieces)
            )
        )
    return found, is_over or any(piece.is_cut for piece in pieces)


class Pieces:
    """Makes them, in the language that is active."""

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        self._of_converters: dict[str, Piece] = {}

    def of(self, pattern: Any) -> Piece:
        """The piece of one of Django's patterns. Raises NoTextError."""
        if type(pattern) is LocalePrefixPattern:
            return Piece([(Run(pattern.language_prefix, False),)])
        if isinstance(pattern, RoutePattern):
            return self._of_route(pattern)
        if not hasattr(pattern, "regex"):
            raise NoTextError(f"patterns of the class {type(pattern).__name__} are not known here")
        made = self._texts(pattern, pattern.regex)
        if isinstance(pattern, RegexPattern) and pattern._is_endpoint:  # type: ignore[attr-defined]
            made = continued(pattern.regex, made, self._finds(pattern))
        return Piece(made.all, made.is_cut)

    def _of_route(self, pattern: Any) -> Piece:
        literals, names = _split(str(pattern))
        values = [self._values(pattern, pattern.converters[name]) for name in names]
        pieces = [Piece([(Run(literals[0], False),)])]
        for literal, piece in zip(literals[1:], values, strict=True):
            pieces += [piece, Piece([(Run(literal, False),)])]
        combined, is_cut = combinations(pieces, MAX_WAYS)
        ways = [tuple(run for runs in parts for run in runs if run.text) for parts in combined]
        return Piece(ways, is_cut, all(piece.are_examples for piece in values))

    def _values(self, pattern: Any, converter: Any) -> Piece:
        if known := _VALUES.get(type(converter)):
            return Piece([(Run(value, True),) for value in known], are_examples=True)
        if converter.regex not in self._of_converters:
            made = self._texts(pattern, re.compile(f"^(?:{converter.regex})$"))
            ways = [(Run("".join(run.text for run in runs), True),) for runs in made.all]
            self._of_converters[converter.regex] = Piece(ways, made.is_cut)
        return self._of_converters[converter.regex]

    def _texts(self, pattern: Any, regex: "re.Pattern[str]") -> Texts:
        return texts(regex, self._finds(pattern))

    def _finds(self, pattern: Any) -> Any:
        def finds(regex: "re.Pattern[str]", text: str) -> bool:
            in_time = self._trials.searches_in_time(pattern, regex, text)
            return in_time and regex.search(text) is not None

        return finds


def _split(route: str) -> tuple[list[str], list[str]]:
    """A route's literal texts, and the names of the converters between them."""
    literals, names, rest = [], [], route
    while "<" in rest and ">" in rest.partition("<")[2]:
        literal, _, behind = rest.partition("<")
        written, _, rest = behind.partition(">")
        literals.append(literal)
        names.append(written.rpartition(":")[2])
    return [*literals, rest], names
