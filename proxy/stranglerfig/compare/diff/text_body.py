"""Two texts compared: the first line that differs. What follows it often differs only because of it."""

from collections.abc import Iterator
from itertools import zip_longest

from stranglerfig.compare.diff.difference import ABSENT, BODY, Found, Kind
from stranglerfig.compare.diff.path import Line


def diff_text(control: str, candidate: str) -> Iterator[Found]:
    """At most one difference."""
    if control == candidate:
        return
    ours, theirs = lines_of(control), lines_of(candidate)
    if ours == theirs:  # line ends, or a newline at the end
        yield Found(Kind.FORMAT, BODY, (), control, candidate)
        return
    for number, (left, right) in enumerate(zip_longest(ours, theirs, fillvalue=ABSENT), start=1):
        if left != right:
            yield Found(_kind(left, right), BODY, (Line(number),), left, right)
            return


def lines_of(text: str) -> list[str]:
    """Lines without their ends. Not ``splitlines``: a form feed or U+2028 is no end of a line to a browser."""
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _kind(left: object, right: object) -> Kind:
    if left is ABSENT:
        return Kind.EXTRA
    return Kind.MISSING if right is ABSENT else Kind.VALUE
