"""Decisions about differences: how a cluster stands after each, and a file that two people, kills and old lines leave whole."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from stranglerfig.compare.record import Cluster
from stranglerfig.compare.triage import (
    History,
    Mark,
    Reopening,
    State,
    Triaged,
    signature_of,
    watch_name,
)
from stranglerfig.compare.triage_file import (
    TRIAGE_NAME,
    append_mark,
    append_reopening,
    read_histories,
    triage,
)
from stranglerfig.counters import Key, names

CLUSTER = Cluster(
    3, "catalog", "GET /x", "value", "body", "$.a", 12, 100.0, 200.0, "string → string"
)
SIGNATURE = signature_of(CLUSTER)


def mark(state: str, at: float = 300.0, count: int = 12, compared: int = 120) -> Mark:
    return Mark(State(state), at, "ann@host", "because", count, compared)


def stands(*events: Mark | Reopening, last_seen: float = 200.0, unseen: int = 0) -> Triaged:
    history = History()
    for event in events:
        history.add(event)
    return Triaged(replace(CLUSTER, last_seen=last_seen), history, unseen)


BACK = Reopening(310.0, 12, "r-9")


@pytest.mark.parametrize(
    ("triaged", "state", "is_settled"),
    [
        (stands(), "open", False),
        (stands(mark("fixed")), "fixed", True),
        (stands(mark("fixed"), last_seen=300.0), "fixed", True),
        (stands(mark("fixed"), last_seen=300.1), "reopened", False),  # nobody wrote down when first
        (stands(mark("fixed"), BACK), "reopened", False),
        (stands(mark("fixed"), BACK, mark("fixed", 320.0)), "fixed", True),
        (stands(mark("fixed"), mark("fixed", 320.0), BACK), "fixed", True),  # seen before it was marked again
        (stands(mark("fixed"), BACK, mark("open", 320.0)), "open", False),
        (stands(mark("fixed"), BACK, mark("expected", 320.0)), "expected", True),
        (stands(mark("expected"), BACK), "expected", True),
        (stands(mark("expected"), unseen=99), "expected", True),
        (stands(mark("expected"), unseen=100), "expected", False),  # one of 10 differed, and now none of 100
        (stands(mark("expected", count=120), unseen=29), "expected", True),
        (stands(mark("expected", count=120), unseen=30), "expected", False),
        (stands(mark("expected", count=500, compared=0), unseen=30), "expected", False),
        (stands(mark("expected", count=0, compared=10**9), unseen=99_999), "expected", True),
    ],
)  # fmt: skip
def test_how_a_cluster_stands(triaged: Triaged, state: str, is_settled: bool) -> None:
    assert (triaged.state, triaged.is_settled) == (state, is_settled)


def test_it_is_reopened_by_the_first_time_and_not_by_the_next() -> None:
    again = Reopening(311.0, 13, "r-10")
    assert stands(mark("fixed"), BACK, again, last_seen=311.0).reopened == BACK


def test_decisions_are_read_as_they_were_written(tmp_path: Path) -> None:
    append_mark(tmp_path, SIGNATURE, mark("fixed"))
    append_reopening(tmp_path, SIGNATURE, BACK)
    append_mark(tmp_path, SIGNATURE, mark("expected", 320.0))
    (history,) = read_histories(tmp_path).values()
    assert history.past == [mark("fixed"), BACK, mark("expected", 320.0)]
    assert (tmp_path / TRIAGE_NAME).stat().st_mode & 0o777 == 0o600
    assert read_histories(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    "damage",
    [
        b'{"event": "mark", "state": "fix',  # killed half-way, without an end of line
        b"\0\0\0\n",
        b"[]\n",
        b'{"event": "mark", "state": "silenced", "at": 1, "who": "", "why": "", "count": 1, "compared": 1, "cluster": {"capability": "c", "route": "r", "kind": "k", "where": "w", "path": "p", "shapes": "s"}}\n',
        b'{"event": "commented", "cluster": {"capability": "c", "route": "r", "kind": "k", "where": "w", "path": "p", "shapes": "s"}}\n',
        b'{"event": "mark", "cluster": 7}\n',
        b'{"event": "mark", "cluster": {"colour": "red"}}\n',
    ],
)  # fmt: skip
def test_what_is_damaged_or_of_a_later_version_costs_itself_alone(
    tmp_path: Path, damage: bytes
) -> None:
    append_mark(tmp_path, SIGNATURE, mark("fixed"))
    path = tmp_path / TRIAGE_NAME
    path.write_bytes(path.read_bytes() + damage)
    append_reopening(tmp_path, SIGNATURE, BACK)
    history = read_histories(tmp_path)[SIGNATURE]
    assert history.past == [mark("fixed"), BACK]
    assert damage in path.read_bytes()  # passed over, not removed


def _mark_often(state_dir: Path, who: str) -> None:
    for number in range(100):
        append_mark(state_dir, SIGNATURE, replace(mark("fixed", float(number)), who=who))


def test_two_people_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    people = [spawn.Process(target=_mark_often, args=(tmp_path, who)) for who in ("ann", "bob")]
    for person in people:
        person.start()
    for person in people:
        person.join(30)
    marks = read_histories(tmp_path)[SIGNATURE].marks
    for who in ("ann", "bob"):
        assert [each.at for each in marks if each.who == who] == [float(n) for n in range(100)]
    lines = (tmp_path / TRIAGE_NAME).read_text().splitlines()
    assert len(lines) == 200
    assert all(json.loads(line)["event"] == "mark" for line in lines)


def test_a_decision_is_found_by_what_differs_and_not_by_its_number(tmp_path: Path) -> None:
    append_mark(tmp_path, SIGNATURE, mark("fixed"))
    histories = read_histories(tmp_path)
    other = replace(CLUSTER, id=4, shapes="string → number")
    found = triage([replace(CLUSTER, id=77), other], histories, {})
    assert [(each.cluster.id, each.state) for each in found] == [(77, "fixed"), (4, "open")]


def test_what_is_expected_must_occur_in_a_new_store_too() -> None:
    history = History()
    history.add(mark("expected"))
    cell: Key = (
        names.EXPECTED_UNSEEN,
        (("capability", "catalog"), ("mark", watch_name(SIGNATURE, mark("expected")))),
    )
    (gone,) = triage([], {SIGNATURE: history}, {cell: 100})
    assert (gone.cluster.id, gone.cluster.count, gone.cluster.place) == (0, 0, "body $.a")
    assert (gone.state, gone.unseen, gone.is_settled) == ("expected", 100, False)
    history.add(mark("fixed", 310.0))
    assert triage([], {SIGNATURE: history}, {cell: 100}) == []
