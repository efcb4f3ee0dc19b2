"""Reading `settings.CHASSIS`: every part's section is checked by the same few questions.

A mistake is an ImproperlyConfigured that says where it stands, for example
`CHASSIS["OWNERSHIP"]["catalog"]["tables"][2]`, so that the reader finds the line.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Place:
    """Where in settings a value stands; grows by indexing, prints as one would write it in Python."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __getitem__(self, key: str | int) -> "Place":
        return Place(f"{self.text}[{json.dumps(key)}]")

    def refuse(self, mistake: str) -> NoReturn:
        raise ImproperlyConfigured(f"{self.text}: {mistake}")

    def mapping(self, value: object, known: Sequence[str] = ()) -> Mapping[str, object]:
        """`value` as a dict with text keys; with `known`, no other key may occur."""
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            self.refuse(f"must be a dict with names as keys, not {_kind(value)}")
        if known and (unknown := sorted(set(value) - set(known))):
            self.refuse(f"does not know {', '.join(unknown)}; it knows {', '.join(known)}")
        return value

    def sequence(self, value: object) -> Sequence[object]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.refuse(f"must be a list, not {_kind(value)}")
        return value

    def text_value(self, value: object) -> str:
        if not isinstance(value, str) or not value:
            self.refuse(f"must be a non-empty text, not {_kind(value)}")
        return value

    def names(self, value: object) -> tuple[str, ...]:
        """`value` as a list of different names."""
        names = tuple(self[i].text_value(name) for i, name in enumerate(self.sequence(value)))
        if len(set(names)) < len(names):
            self.refuse("names something twice")
        return names


def section(name: str) -> tuple[Mapping[str, object], Place]:
    """The section `name` of settings.CHASSIS (empty when absent), and where it stands."""
    whole = Place("CHASSIS").mapping(getattr(settings, "CHASSIS", {}))
    place = Place("CHASSIS")[name]
    return place.mapping(whole.get(name, {})), place


def _kind(value: object) -> str:
    # The type alone: the value may be a credential that stands in the wrong place.
    return "nothing" if value is None else f"a value of type {type(value).__name__}"
