"""Pairs of answers: what the control's second answer and the candidate's say of one place. Values, no I/O.

Both are asked for at the same time, in random order, after a first answer of the control, and both are held against it.
Where the candidate is no worse than the control either is as likely as the other to differ from it, and it stays so
when pairs are looked at only because an earlier answer differed: that one is not part of the pair.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from stranglerfig.compare.diff.difference import Difference
from stranglerfig.compare.statistics.sign_test import excess, is_worse, sign_test

ENOUGH: Final = 3
"""Times that the control must have differed from itself at a place before that alone makes it noisy."""


class Place(NamedTuple):
    """The key of noise within a route: never just a path, so that a noisy value that vanishes is a difference."""

    kind: str
    where: str
    path: str


class Pair(StrEnum):
    """What one pair says of a place."""

    CANDIDATE = "b"  # only the candidate's answer differs from the control's first
    CONTROL = "c"  # only the control's second one does
    BOTH = "both"


def place_of(difference: Difference) -> Place:
    """The place by which noise is measured: list positions and data keys generalised."""
    return Place(difference.kind.value, difference.where, difference.template)


def spot_of(difference: Difference) -> Place:
    """The very place in this answer."""
    return Place(difference.kind.value, difference.where, difference.path)


def pair_up(
    candidate: Iterable[Difference], control: Iterable[Difference], after: Iterable[Difference]
) -> dict[Place, Pair]:
    """What a pair says of each place; of the places that are not named, neither differed.

    ``candidate`` and ``control``: how the candidate's answer and the control's second differ from the control's first.
    ``after``: how those two differ from each other. Where both moved, and to the same, the data changed.
    """
    theirs, own = set(map(place_of, candidate)), set(map(place_of, control))
    still = set(map(place_of, after))
    pairs = dict.fromkeys(theirs - own, Pair.CANDIDATE) | dict.fromkeys(own - theirs, Pair.CONTROL)
    return pairs | dict.fromkeys(theirs & own & still, Pair.BOTH)


@dataclass(frozen=True, slots=True)
class NoiseCount:
    """What pairs have said of one place of a route so far."""

    b: int = 0
    c: int = 0
    both: int = 0

    @property
    def own(self) -> int:
        """How often the control differed from itself."""
        return self.c + self.both

    @property
    def is_worse(self) -> bool:
        """Whether the candidate differs here more often than chance explains, at all looks together."""
        return is_worse(self.b, self.c)

    @property
    def is_noisy(self) -> bool:
        """Whether the place is measured to differ by itself, and the candidate's no more than the control's."""
        return self.own >= ENOUGH and not self.is_worse

    @property
    def has_power(self) -> bool:
        """Whether a worse candidate could be told here: not where both differ each time."""
        return self.b + self.c > 0 or self.both == 0

    @property
    def p(self) -> float:
        """The exact sign test, for one look."""
        return sign_test(self.b, self.c)

    @property
    def e(self) -> float:
        """The same as an e-value, for any number of looks."""
        return excess(self.b, self.c)


Noise = Mapping[Place, NoiseCount]
