"""How the bodies of a route are read, where rules say more than the bodies do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class As(StrEnum):
    """What is read as what."""

    ORDERED = "ordered"  # a list: what stands at one position is one thing
    BAG = "bag"  # a list: the order means nothing
    KEY = "key"  # a list: elements are known by a member of theirs
    ASSET = "asset"  # names of files with a hash of their content: app.3f2a9c.css


LIST_READINGS: Final = frozenset({As.ORDERED, As.BAG, As.KEY})


class ListReading(NamedTuple):
    """How one list is read; ``key`` is the name of the member."""

    reading: As
    key: str = ""


class Reading(NamedTuple):
    """Of one route: its lists by the template of their path, and whether names of assets hold hashes."""

    lists: Mapping[str, ListReading]
    are_assets_hashed: bool = False


PLAIN: Final = Reading({})
"""Without rules: lists as they look."""
