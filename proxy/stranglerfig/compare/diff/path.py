"""Paths inside an answer: concrete for the example, generalised for clusters and rules.

``$.results[3].price`` has the template ``$.results[].price``. In an object whose keys are data (``{"17": …, "18": …}``)
the template says ``*``, and the concrete path at rest holds a keyed hash instead of the key, which may be an
e-mail address as well as a number.

In a page the steps are tags (``$.body.main#content.ul.li``), and a path begins anew at an element whose ``id`` is a name:
``$.main#content.ul.li.p.#text``, ``$.form#login.fields.email.@value``.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z_@$][A-Za-z0-9_@$:-]{0,63}")
_DIGITS = re.compile(r"\d+")
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


ALONE = -1  # in place of the position of what is the only one of its kind


class Tag(NamedTuple):
    """An element of a page: the position is among those of its parent that have the same tag; ``ident`` its ``id``."""

    name: str
    position: int
    ident: str = ""


class Text(NamedTuple):
    """A text between tags; the position is among the texts of its parent."""

    position: int


class Attribute(NamedTuple):
    """An attribute of an element."""

    name: str


class Field(NamedTuple):
    """A field of a form, by its name."""

    name: str


Step = Member | Index | Line | Part | Tag | Text | Attribute | Field
Steps = tuple[Step, ...]


def is_name(key: str) -> bool:
    """Whether a key looks like a field's name rather than like data."""
    if _NAME.fullmatch(key) is None:
        return False
    return sum(char.isdigit() for char in key) <= _MAX_DIGITS_IN_NAME


def field_name(name: str) -> str:
    """The name of a form's field; those of a repeated one (``form-0-title``) share theirs, ``form-n-title``."""
    general = _DIGITS.sub("n", name)
    return general if is_name(general) else "*"


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
        case Tag(name, _, ident):
            return _named(name) + (f"#{ident}" if ident else "")
        case Text():
            return ".#text"
        case Attribute(name):
            return f".@{name}" if is_name(name) else ".@any"
        case Field(name):
            return f".fields.{field_name(name)}"


def _numbered(position: int) -> str:
    return "" if position == ALONE else f"[{position}]"


def _named(tag: str) -> str:
    return f".{tag}" if is_name(tag) else ".*"


def _exact(step: Step, pseudonym: Callable[[str], str]) -> str:
    match step:
        case Member(key, is_data):
            return f".{pseudonym(key)}" if is_data else f".{key}"
        case Index(position):
            return f"[{position}]"
        case Line(number):
            return f".line[{number}]"
        case Tag(name, position, ident):
            return _named(name) + (f"#{ident}" if ident else _numbered(position))
        case Text(position):
            return f".#text{_numbered(position)}"
        case Field(name):
            return f".fields.{name if is_name(name) else pseudonym(name)}"
        case Part() | Attribute():
            return _general(step)
