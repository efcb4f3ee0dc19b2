"""What is kept of how sure the comparison is: the rows of ``evidence.db``, each a plain record with its key first."""

from dataclasses import astuple, dataclass, fields
from typing import Any, ClassVar, Final, TypeVar

from stranglerfig.compare.pairing import NoiseCount, Place
from stranglerfig.compare.stratum import Stratum


@dataclass(slots=True)
class Era:
    """Since when evidence of a capability counts: its stage, its share and its rules are as ``digest`` says."""

    keys: ClassVar[int] = 1
    capability: str
    digest: str = ""
    began: float = 0.0


@dataclass(slots=True)
class Paired:
    """How many pairs a route has."""

    keys: ClassVar[int] = 2
    capability: str
    route: str
    pairs: int = 0


@dataclass(slots=True)
class NoiseRow:
    """What pairs said of one place of a route, what that excused, and why it excused nothing where it did not; and its lag."""

    keys: ClassVar[int] = 5
    capability: str
    route: str
    kind: str
    place: str
    path: str
    b: int = 0
    c: int = 0
    both: int = 0
    excused: int = 0
    healed: int = 0
    refused: int = 0
    refusal: str = ""
    format: str = ""
    first_seen: float = 0.0
    last_seen: float = 0.0

    @property
    def count(self) -> NoiseCount:
        return NoiseCount(self.b, self.c, self.both)

    @property
    def where(self) -> Place:
        return Place(self.kind, self.place, self.path)


@dataclass(slots=True)
class StratumRow:
    """Comparisons of one stratum. ``trials`` counts a user a few times only, and with them ``events`` those that differed."""

    keys: ClassVar[int] = 5
    capability: str
    route: str
    method: str
    status: str
    signed_in: str
    compared: int = 0
    different: int = 0
    noise: int = 0
    trials: int = 0
    events: int = 0
    users: int = 0
    first_seen: float = 0.0
    last_seen: float = 0.0

    @property
    def stratum(self) -> Stratum:
        return Stratum(self.route, self.method, self.status, self.signed_in)


@dataclass(slots=True)
class UserRow:
    """How often a user was counted in a stratum; ``user`` is a keyed hash."""

    keys: ClassVar[int] = 3
    capability: str
    stratum: str
    user: str
    trials: int = 0


@dataclass(slots=True)
class FieldRow:
    """A field of a route's JSON answers: in how many of those that were looked at it is, and what could be compared."""

    keys: ClassVar[int] = 3
    capability: str
    route: str
    path: str
    seen: int = 0
    compared: int = 0
    empty: int = 0
    alone: int = 0
    excused: int = 0


Row = Era | Paired | NoiseRow | StratumRow | UserRow | FieldRow
R = TypeVar("R", Era, Paired, NoiseRow, StratumRow, UserRow, FieldRow)
TABLES: Final[dict[type[Row], str]] = {
    Era: "era",
    Paired: "paired",
    NoiseRow: "noise",
    StratumRow: "stratum",
    UserRow: "user",
    FieldRow: "field",
}
VERSION: Final = 1
_TYPES: Final = {str: "TEXT", int: "INTEGER", float: "REAL"}


def key_of(row: Row) -> tuple[Any, ...]:
    """What makes a row the one it is."""
    return astuple(row)[: row.keys]


def schema() -> str:
    """The tables, as SQL."""
    return "".join(
        f"CREATE TABLE {name} ({', '.join(f'{field.name} {_TYPES[_type(field.type)]} NOT NULL' for field in fields(kind))},"
        f" PRIMARY KEY ({', '.join(field.name for field in fields(kind)[: kind.keys])})) WITHOUT ROWID;\n"
        for kind, name in TABLES.items()
    )


def _type(annotation: Any) -> type:
    assert isinstance(annotation, type)
    return annotation
