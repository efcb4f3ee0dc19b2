"""The tables of ``compare.db`` and how a row becomes a record again; shared by the writer and the readers."""

import json
from typing import Any, Final

from stranglerfig.compare.diff.difference import Difference, Shape
from stranglerfig.compare.record import Cluster, Example, Exchange
from stranglerfig.compare.redact import RedactedRequest

VERSION: Final = 1  # in PRAGMA user_version

TABLES: Final = """
CREATE TABLE cluster (
    id INTEGER PRIMARY KEY,
    capability TEXT NOT NULL,
    route TEXT NOT NULL,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    path TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    UNIQUE (capability, route, kind, place, path)
);
CREATE TABLE example (
    id INTEGER PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
    seen_at REAL NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX example_of_cluster ON example (cluster_id, id);
"""


def cluster_of(row: tuple[Any, ...]) -> Cluster:
    """A whole row of the table; its columns are the record's fields, in their order."""
    return Cluster(*row)


def document_of(exchange: Exchange, difference: Difference) -> str:
    """One example as JSON."""
    example = Example(exchange, difference.path, difference.control, difference.candidate)
    return json.dumps(example.to_dict(), separators=(",", ":"))


def example_of(document: str) -> Example:
    """The example in a document."""
    data = json.loads(document)
    exchange = data["exchange"]
    request = exchange.pop("request")
    request["headers"] = tuple((name, value) for name, value in request["headers"])
    return Example(
        exchange=Exchange(request=RedactedRequest(**request), **exchange),
        path=data["path"],
        control=Shape(**data["control"]),
        candidate=Shape(**data["candidate"]),
    )
