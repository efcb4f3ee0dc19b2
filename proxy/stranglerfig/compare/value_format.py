"""What a value looks like, told from its shape alone: a time, a uuid, a token, a number.

Noise excuses a value, never its form: a time that becomes a word is a difference, however often the time changes. The
same name tells people which placeholder they might write a rule for.
"""

import re
from typing import Final

from stranglerfig.compare.diff.difference import Shape

_TIME: Final = re.compile(r"dddd-dd-dd[aA ]dd:dd(:dd(\.d+)?)?([aA]|[+-]dd:?dd)?")
_HEX: Final = "[da]"
_FORMATS: Final = (
    (
        "uuid",
        re.compile("-".join(_HEX + f"{{{length}}}" for length in (8, 4, 4, 4, 12)), re.IGNORECASE),
    ),
    ("time", _TIME),
    ("time", re.compile(r"[Aa]{3}, dd [Aa]{3} dddd dd:dd:dd [A-Z]{3}")),
    ("date", re.compile(r"dddd-dd-dd")),
    ("decimal", re.compile(r"[+-]?d+\.d+")),
    ("integer", re.compile(r"[+-]?d+")),
    ("token", re.compile(r"[\"/]*[dAa+/=_.~-]{16,}…?\"?")),
)

TEXT: Final = "text"


def format_of(shape: Shape) -> str:
    """The format of a value, for comparing it with that of another; a text of no known format is ``TEXT``."""
    if shape.pattern is None:
        return shape.type
    for name, form in _FORMATS:
        if form.fullmatch(shape.pattern):
            return name if shape.type == "string" else f"{shape.type}: {name}"
    return TEXT if shape.type == "string" else shape.type
