"""What a comparison finds: the kinds of difference, where they are, and the two values as shapes.

The *control* is the monolith's answer, the *candidate* the service's, whoever answered the user.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, NamedTuple

from stranglerfig.compare.diff.path import Steps

STATUS: Final = "status"
BODY: Final = "body"


class Kind(StrEnum):
    """How two values differ. ``missing`` and ``extra`` are seen from the control: the candidate lacks, or adds, it."""

    VALUE = "value"
    TYPE = "type"
    NULL = "null"  # one side has null, the other a value
    MISSING = "missing"
    EXTRA = "extra"
    ORDER = "order"  # the same elements in another order
    SIZE = "size"  # lists of different lengths
    FORMAT = "format"  # the same meaning written differently: 1.10 and 1.1, Z and +00:00
    DUPLICATE = "duplicate"  # a key repeated in one object, not alike on both sides


class Absent(Enum):
    """Stands for a value that is not there, which is not the same as null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class Found(NamedTuple):
    """A difference with its values still in clear; it lives only until it is shaped."""

    kind: Kind
    where: str
    steps: Steps
    control: object
    candidate: object


@dataclass(frozen=True, slots=True)
class Shape:
    """What may be kept of a value: its type, length, digit pattern and keyed hash; ``clear`` only by a rule.

    ``length`` counts characters, elements, members or bytes, as fits the type. ``pattern`` writes each digit as ``d``
    and each letter as ``a`` or ``A``.
    """

    type: str
    length: int | None = None
    pattern: str | None = None
    digest: str | None = None
    clear: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, fit to be stored.

    ``where`` is ``status``, ``body`` or ``header <name in lower case>``. ``template`` is the path with list positions
    and keys that are data generalised; rules and clusters go by it. ``path`` is the concrete one.
    """

    kind: Kind
    where: str
    path: str
    template: str
    control: Shape
    candidate: Shape
