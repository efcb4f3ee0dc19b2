"""The attributes of two elements compared: in any order, and by what they mean."""

from collections.abc import Iterator

from stranglerfig.compare.diff.difference import ABSENT, BODY, Found, Kind
from stranglerfig.compare.diff.html.node import Attributes, meaning
from stranglerfig.compare.diff.path import Attribute, Steps


def diff_attributes(control: Attributes, candidate: Attributes, steps: Steps) -> Iterator[Found]:
    """Every attribute that differs."""
    if control == candidate:
        return
    ours, theirs = meaning(control), meaning(candidate)
    for name in dict.fromkeys((*ours, *theirs)):
        left, right = ours.get(name), theirs.get(name)
        if left == right:
            continue
        below = (*steps, Attribute(name))
        if left is None:
            yield Found(Kind.EXTRA, BODY, below, ABSENT, right)
        elif right is None:
            yield Found(Kind.MISSING, BODY, below, left, ABSENT)
        else:
            yield Found(Kind.VALUE, BODY, below, left, right)
