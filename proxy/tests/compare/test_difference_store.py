"""compare.db: clusters with bounded examples, readable by others, and never in the way of the counting."""

import os
import resource
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stranglerfig.compare import store as store_module
from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.reading import StoreError, read_clusters, read_example
from stranglerfig.compare.record import Exchange
from stranglerfig.compare.redact import RedactedRequest
from stranglerfig.compare.store import MAX_CLUSTERS, NEWEST_EXAMPLES, OTHERS, Store

EXCHANGE = Exchange(
    request_id="r1", seen_at=1000.0, capability="catalog", route="GET /api/catalog/**", stage="shadow",
    answered_side="monolith", generation=7, control="monolith", candidate="catalog", control_status=200,
    candidate_status=200,
    request=RedactedRequest("GET", "/api/catalog/?q=#1", (("Host", "shop"),), None, 0),
)  # fmt: skip
DIFFERENCE = Difference(
    Kind.FORMAT, "body", "$.rows[3].price", "$.rows[].price", Shape("number", 4, "d.dd", "aa"), Shape("number", 3, "d.d", "bb"),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "compare.db"


@pytest.fixture
def store(path: Path):
    store = Store(path)
    yield store
    store.close()


def later(seconds: float) -> Exchange:
    return replace(EXCHANGE, request_id=f"r{seconds}", seen_at=1000.0 + seconds)


def test_a_difference_is_read_back_as_it_was(store: Store, path: Path) -> None:
    assert store.add(EXCHANGE, [DIFFERENCE])
    (cluster,) = read_clusters(path)
    assert (cluster.kind, cluster.place, cluster.count) == ("format", "body $.rows[].price", 1)
    detail = read_example(path, cluster.id)
    assert detail is not None
    (example,) = detail.examples
    assert example.exchange == EXCHANGE
    assert (example.path, example.control, example.candidate) == (
        "$.rows[3].price", DIFFERENCE.control, DIFFERENCE.candidate,
    )  # fmt: skip


def test_one_cause_is_one_cluster_and_its_examples_are_bounded(store: Store, path: Path) -> None:
    for seconds in range(20):
        assert store.add(later(seconds * 2), [replace(DIFFERENCE, path=f"$.rows[{seconds}].price")])
    (cluster,) = read_clusters(path)
    assert (cluster.count, cluster.first_seen, cluster.last_seen) == (20, 1000.0, 1038.0)
    detail = read_example(path, cluster.id)
    assert detail is not None
    assert [each.exchange.request_id for each in detail.examples] == [
        "r0", *(f"r{seconds}" for seconds in range(30, 40, 2))
    ]  # fmt: skip
    assert len(detail.examples) == NEWEST_EXAMPLES + 1


def test_a_burst_is_counted_whole_and_leaves_one_example(store: Store, path: Path) -> None:
    for step in range(50):
        store.add(later(step / 100), [DIFFERENCE])
    (cluster,) = read_clusters(path)
    detail = read_example(path, cluster.id)
    assert detail is not None
    assert (cluster.count, len(detail.examples)) == (50, 1)


def test_kind_place_route_and_capability_keep_clusters_apart(store: Store, path: Path) -> None:
    store.add(
        EXCHANGE,
        [DIFFERENCE, replace(DIFFERENCE, kind=Kind.VALUE), replace(DIFFERENCE, template="$.x")],
    )
    store.add(replace(EXCHANGE, route="GET /b"), [DIFFERENCE])
    store.add(replace(EXCHANGE, capability="payments"), [DIFFERENCE])
    assert len(read_clusters(path)) == 5
    assert len(read_clusters(path, "payments")) == 1
    assert read_clusters(path, "unknown") == []


def test_the_most_frequent_comes_first_and_old_ones_can_be_left_out(
    store: Store, path: Path
) -> None:
    store.add(EXCHANGE, [replace(DIFFERENCE, template="$.rare")])
    store.add(later(1), [DIFFERENCE])
    store.add(later(2), [DIFFERENCE])
    assert [cluster.path for cluster in read_clusters(path)] == ["$.rows[].price", "$.rare"]
    assert [cluster.path for cluster in read_clusters(path, since=1001.0)] == ["$.rows[].price"]


def test_clusters_are_bounded_and_the_rest_is_counted_together(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_CLUSTERS", 3)
    for number in range(10):
        store.add(EXCHANGE, [replace(DIFFERENCE, template=f"$.field{number}")])
    store.add(EXCHANGE, [replace(DIFFERENCE, template="$.field0")])
    counts = {cluster.path: cluster.count for cluster in read_clusters(path)}
    assert counts == {OTHERS: 7, "$.field0": 2, "$.field1": 1, "$.field2": 1}
    assert MAX_CLUSTERS > 100


def test_a_store_is_continued_after_a_restart(path: Path) -> None:
    for _ in range(2):
        store = Store(path)
        store.add(EXCHANGE, [DIFFERENCE])
        store.close()
        store.close()
    assert [cluster.count for cluster in read_clusters(path)] == [2]


def test_it_is_readable_while_open_and_after_the_writer_was_killed(
    path: Path, tmp_path: Path
) -> None:
    store = Store(path)
    store.add(EXCHANGE, [DIFFERENCE])
    assert len(read_clusters(path)) == 1
    for file in path.parent.glob("compare.db*"):  # what a kill leaves: a database and its log
        (tmp_path / "killed").mkdir(exist_ok=True)
        (tmp_path / "killed" / file.name).write_bytes(file.read_bytes())
    store.close()
    assert len(read_clusters(tmp_path / "killed" / "compare.db")) == 1
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_store_there_is_nothing_to_read(path: Path) -> None:
    assert read_clusters(path) == []
    assert read_example(path, 1) is None
    assert not path.exists()


def test_an_unknown_cluster_is_none(store: Store, path: Path) -> None:
    assert read_example(path, 99) is None


@pytest.mark.parametrize(
    "content", [b"this is no database at all, and it is long enough" * 99, b"\x00" * 5000]
)
def test_a_broken_file_is_moved_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    store = Store(path)
    assert store.add(EXCHANGE, [DIFFERENCE])
    store.close()
    assert len(read_clusters(path)) == 1
    (aside,) = path.parent.glob("compare.db.broken-*")
    assert aside.read_bytes() == content


def test_a_file_that_breaks_under_way_is_moved_aside(store: Store, path: Path) -> None:
    for number in range(200):
        store.add(EXCHANGE, [replace(DIFFERENCE, template=f"$.field{number}")])
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    kept = [
        store.add(later(number), [replace(DIFFERENCE, template=f"$.f{number}")])
        for number in range(3)
    ]
    assert kept[-1]
    assert list(path.parent.glob("compare.db.broken-*"))
    assert read_clusters(path)


def test_a_store_of_another_version_is_told_to_readers_and_moved_aside_by_the_writer(
    path: Path,
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
    with pytest.raises(StoreError, match="another version"):
        read_clusters(path)
    store = Store(path)
    assert store.add(EXCHANGE, [DIFFERENCE])
    store.close()
    assert len(read_clusters(path)) == 1


def test_a_broken_store_is_told_to_readers(path: Path) -> None:
    path.write_bytes(b"no database" * 999)
    with pytest.raises(StoreError, match="cannot be read"):
        read_clusters(path)


def test_a_full_disk_refuses_and_recovers(store: Store, path: Path) -> None:
    assert store.add(EXCHANGE, [DIFFERENCE])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    many = [replace(DIFFERENCE, template=f"$.field{number}") for number in range(500)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        assert not store.add(later(5), many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [cluster.count for cluster in read_clusters(path)] == [1]
    assert store.add(later(10), many)
    assert len(read_clusters(path)) == 501
    assert not list(path.parent.glob("*broken*"))


def test_a_folder_that_is_not_there_yet_refuses_and_recovers(tmp_path: Path) -> None:
    store = Store(tmp_path / "later" / "compare.db")
    assert not store.add(EXCHANGE, [DIFFERENCE])
    (tmp_path / "later").mkdir()
    assert store.add(EXCHANGE, [DIFFERENCE])
    store.close()


def test_nobody_else_may_read_any_of_its_files(path: Path) -> None:
    path.parent.chmod(0o755)
    before = os.umask(0o022)
    try:
        store = Store(path)
        assert store.add(EXCHANGE, [DIFFERENCE])
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["compare.db", "compare.db-shm", "compare.db-wal"]
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    finally:
        os.umask(before)
        store.close()
