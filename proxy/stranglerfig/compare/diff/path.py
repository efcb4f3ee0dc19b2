"""Paths inside an answer: concrete for the example, generalised for clusters and rules.

``$.results[3].price`` has the template ``$.results[].price``. In an object whose keys are data (``{"17": …, "18": …}``)
the template says ``*``, and the concrete path at rest holds a keyed hash instead of the key, which may be an
e-mail address as well as a number.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z_@$][A-Za-z0-9_@$:-]{0,63}")
_MAX_DIGITS_IN_NAME = 3  # address_line_2 is a name; a1b2c3d4 is data
MAX_NAMED_MEMBERS = 50  # an object with more members than this is a dictionary of data


class Member(NamedTuple):
    """A member of an object; ``is_data`` when its key is no name a programmer chose."""

    key: str
    is_data: bool


class Index(NamedTuple):
    """A position in a list."""

    position: int


class Line(NamedTuple):
    """A line of a text, from 1."""

    number: int


class Part(NamedTuple):
    """A part of a header's value, already written out: ``[max-age]``."""

    text: str


Step = Member | Index | Line | Part
Steps = tuple[Step, ...]


def is_name(key: str) -> bool:
    """Whether a key looks like a field's name rather than like data."""
    if _NAME.fullmatch(key) is None:
        return False
    return sum(char.isdigit() for char in key) <= _MAX_DIGITS_IN_NAME


def template(steps: Steps, *, root: str = "$") -> str:
    """The path with positions and data keys generalised."""
    return root + "".join(_general(step) for step in steps)


def concrete(steps: Steps, pseudonym: Callable[[str], str], *, root: str = "$") -> str:
    """The exact path; keys that are data are replaced by ``pseudonym(key)``."""
    return root + "".join(_exact(step, pseudonym) for step in steps)


def _general(step: Step) -> str:
    match step:
        case Member(key, is_data):
            return ".*" if is_data else f".{key}"
        case Index():
            return "[]"
        case Line():
            return ".line[]"
        case Part(text):
            return text


def _exact(step: Step, pseudonym: Callable[[str], str]) -> str:
    match step:
        case Member(key, is_data):
            return f".{pseudonym(key)}" if is_data else f".{key}"
        case Index(position):
            return f"[{position}]"
        case Line(number):
            return f".line[{number}]"
        case Part(text):
            return text
