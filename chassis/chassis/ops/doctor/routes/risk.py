"""How long a search could take at worst, read from the expression's tree: a bound from above, not a guess at the time."""

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

# Some tenths of a second.
MAX_STEPS: Final = 2_000_000
_CHOICES = re.compile(r"[*+{|]|(?<!\()\?")
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


def could_take_long(regex: "re.Pattern[str]", length: int) -> bool:
    """Whether searching a text of this length could take more than MAX_STEPS."""
    risk = _risk_of(regex)
    return risk.is_nested or (length + 1) ** risk.spans * risk.ways > MAX_STEPS


@dataclass
class _Risk:
    is_nested: bool = False
    """A choice inside a repetition: the ways to divide a text among them double with each character."""
    spans: int = 0
    """Repetitions one after the other, each of which may begin anywhere."""
    ways: int = 1
    """The choices outside repetitions, multiplied."""

    def read(self, items: Iterable[tuple[Any, Any]], *, inside: bool) -> None:
        """Add what these do. `inside`: within a repetition."""
        for operation, argument in items:
            if operation in _REPEATS:
                least, most, body = argument
                if least != most:
                    self.is_nested = self.is_nested or inside
                    self.spans += most > 1
                    self.ways *= 2 if most == 1 else 1
                self.read(body, inside=inside or most > 1)
            elif operation is sre.BRANCH:
                self.is_nested = self.is_nested or inside
                self.ways *= len(argument[1])
                for branch in argument[1]:
                    self.read(branch, inside=inside)
            elif operation is sre.SUBPATTERN:
                self.read(argument[-1], inside=inside)
            elif operation is sre.ATOMIC_GROUP:
                self.read(argument, inside=inside)
            elif operation in (sre.ASSERT, sre.ASSERT_NOT):
                self.read(argument[1], inside=inside)
            elif operation is sre.GROUPREF_EXISTS:
                for branch in argument[1:]:
                    self.read(branch or (), inside=inside)


@cache
def _risk_of(regex: "re.Pattern[str]") -> _Risk:
    written = regex.pattern
    if len(_CHOICES.findall(written)) <= 1:  # as of most; the tree costs more than the search
        return _Risk()
    try:
        tree = list(parser.parse(written, regex.flags & ~re.UNICODE))
    except RecursionError:
        return _Risk(is_nested=True)
    risk = _Risk()
    risk.read(tree, inside=False)
    if not tree or tree[0][0] is not sre.AT:  # it is searched for from every place
        risk.spans += 1
    return risk
