"""The tables of ``compare.db`` and how a row becomes a record again; shared by the writer and the readers."""

import json
from collections.abc import Mapping
from typing import Any, Final

from stranglerfig.compare.diff.difference import STATUS, Difference, Shape
from stranglerfig.compare.record import Cluster, Example, Exchange
from stranglerfig.compare.redact import RedactedRequest

VERSION: Final = 2  # in PRAGMA user_version

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
    shapes TEXT NOT NULL DEFAULT '',
    UNIQUE (capability, route, kind, place, path, shapes)
);
CREATE TABLE example (
    id INTEGER PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
    seen_at REAL NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX example_of_cluster ON example (cluster_id, id);
"""

CLUSTERS: Final[Mapping[int, str]] = {
    # Version 1 knew no shapes: those of the newest example stand for the whole cluster.
    1: """
CREATE TEMP VIEW clusters AS
SELECT id, capability, route, kind, place, path, count, first_seen, last_seen, coalesce((
    SELECT CASE cluster.place
        WHEN 'status' THEN json_extract(document, '$.control.clear') || ' → ' || json_extract(document, '$.candidate.clear')
        ELSE json_extract(document, '$.control.type') || ' → ' || json_extract(document, '$.candidate.type') END
    FROM example WHERE cluster_id = cluster.id AND cluster.path != '(others)' ORDER BY id DESC LIMIT 1
), '') AS shapes
FROM cluster
""",
    2: """
CREATE TEMP VIEW clusters AS
SELECT id, capability, route, kind, place, path, count, first_seen, last_seen, shapes FROM cluster
""",
}
"""The clusters of each version that can be read, as ``cluster_of`` takes them."""

MIGRATIONS: Final[Mapping[int, str]] = {
    1: """
CREATE TABLE cluster_2 (
    id INTEGER PRIMARY KEY,
    capability TEXT NOT NULL,
    route TEXT NOT NULL,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    path TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    shapes TEXT NOT NULL DEFAULT '',
    UNIQUE (capability, route, kind, place, path, shapes)
);
INSERT INTO cluster_2 SELECT * FROM clusters;
DROP VIEW clusters;
DROP TABLE cluster;
ALTER TABLE cluster_2 RENAME TO cluster;
""",
}
"""From each earlier version, seen through its ``clusters``, to the next one."""


def shapes_of(difference: Difference) -> str:
    """The pair of shapes by which clusters are told apart."""
    control, candidate = difference.control, difference.candidate
    if difference.where == STATUS:
        return f"{control.clear} → {candidate.clear}"
    return f"{control.type} → {candidate.type}"


def cluster_of(row: tuple[Any, ...]) -> Cluster:
    """A row of ``CLUSTERS``; its columns are the record's fields, in their order."""
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
