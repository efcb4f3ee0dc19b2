"""``compare.db`` for its readers, the command line and the admin API: read only, whether or not a comparer runs."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from stranglerfig.compare.diff.severity import RANK
from stranglerfig.compare.record import Cluster, ClusterDetail
from stranglerfig.compare.schema import CLUSTERS, VERSION, cluster_of, example_of

T = TypeVar("T")


class StoreError(Exception):
    """The store cannot be read; the message says what to do."""


def read_clusters(
    path: Path, capability: str | None = None, *, since: float = 0.0, trace: str | None = None
) -> list[Cluster]:
    """Clusters seen at or after ``since`` (epoch seconds), by severity, the most frequent first, then by place; none without a store.

    ``trace`` takes those alone of which an example is kept that has this trace id, or this request id. Raises ``StoreError``.
    """

    def query(connection: sqlite3.Connection) -> list[Cluster]:
        rows = connection.execute(
            "SELECT * FROM clusters WHERE (:capability IS NULL OR capability = :capability) AND last_seen >= :since"
            " AND (:trace IS NULL OR EXISTS (SELECT 1 FROM example WHERE cluster_id = clusters.id AND :trace IN"
            " (json_extract(document, '$.exchange.trace_id'), json_extract(document, '$.exchange.request_id'))))"
            " ORDER BY count DESC, capability, route, place, path, kind, id",
            {"capability": capability, "since": since, "trace": trace},
        )
        return sorted(map(cluster_of, rows), key=lambda cluster: RANK[cluster.weight.severity])

    return _read(path, query) or []


def read_example(path: Path, cluster_id: int) -> ClusterDetail | None:
    """One cluster with its examples; ``None`` if there is none of this number. Raises ``StoreError``."""

    def query(connection: sqlite3.Connection) -> ClusterDetail | None:
        row = connection.execute("SELECT * FROM clusters WHERE id = ?", (cluster_id,)).fetchone()
        if row is None:
            return None
        documents = connection.execute(
            "SELECT document FROM example WHERE cluster_id = ? ORDER BY id", (cluster_id,)
        )
        return ClusterDetail(cluster_of(row), tuple(example_of(text) for (text,) in documents))

    return _read(path, query)


def _read(path: Path, query: Callable[[sqlite3.Connection], T]) -> T | None:
    """The answer to a query, which may ask `clusters` whatever the store's version is; ``None`` without a store."""
    if not path.exists():
        return None
    try:
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=2.0)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:  # being created
                return None
            if version not in CLUSTERS:
                raise StoreError(
                    f"{path} was written by another version of fig ({version}, this one reads up to {VERSION});"
                    " use the fig that the proxy runs, or restart the proxy with this one"
                )
            connection.execute(CLUSTERS[version])
            return query(connection)
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be read: {error}; the proxy moves a broken store aside when it starts"
        ) from error
