"""Measures across restarts and kills, within their bounds, and anew with another setting."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import date
from pathlib import Path
from unittest.mock import patch

import pytest

from stranglerfig.compare import evidence as evidence_module
from stranglerfig.compare.again import Outcome
from stranglerfig.compare.evidence import PER_USER, Evidence
from stranglerfig.compare.evidence_rows import FieldRow, NoiseRow, StratumRow, UserRow
from stranglerfig.compare.evidence_store import EVIDENCE_NAME, read_rows
from stranglerfig.compare.pairing import Pair, Place
from stranglerfig.compare.reading import StoreError
from stranglerfig.compare.rules import Rules
from stranglerfig.compare.stratum import GUEST, Stratum
from stranglerfig.compare.verdict import Judgement, Verdict
from stranglerfig.config.model import Config

ROUTE = "GET /x"
PLACE = Place("value", "body", "$.a")
STRATUM = Stratum(ROUTE, "GET", "2xx", GUEST)


def never(after_s: float, call: object) -> None:
    """Nobody writes later: what is not written at once is not written."""


def config(**keys: object) -> Config:
    return Config.model_validate(
        {
            "upstreams": {"monolith": "http://127.0.0.1:1", "s": "http://127.0.0.1:2"},
            "capabilities": {"c": {"upstream": "s", "routes": [ROUTE], **keys}},
        }
    )


def paired(pair: Pair) -> Outcome:
    return Outcome(Judgement(Verdict.DIFFERENT, (), Counter()), 1, pairs={PLACE: pair})


def opened(folder: Path, rules: Rules | None = None, **keys: object) -> Evidence:
    evidence = Evidence(folder, never)
    evidence.begin(config(**keys), rules or Rules())
    return evidence


def counted(folder: Path) -> StratumRow:
    (row,) = read_rows(folder, StratumRow)
    return row


def test_what_was_measured_is_there_after_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path)
    for pair in (Pair.CONTROL, Pair.BOTH, Pair.BOTH):
        first.learn("c", ROUTE, paired(pair))
    first.count("c", STRATUM, Verdict.EQUAL, None)
    first.close()
    second = opened(tmp_path)
    count = second.noise("c", ROUTE)[PLACE]
    assert (count.b, count.c, count.both) == (0, 1, 2)
    assert second.noise("c", "GET /y") == {}
    assert second.compared("c", STRATUM) == 1
    second.close()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_evidence as t
evidence = t.opened(Path(sys.argv[1]))
for number in range(1000):
    evidence.learn("c", t.ROUTE, t.paired(t.Pair.BOTH))
    evidence.count("c", t.STRATUM, t.Verdict.DIFFERENT, None)
    evidence.flush()
    if number == 700:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_with_9_leaves_all_that_it_had_written(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    (row,) = read_rows(tmp_path, NoiseRow)
    assert (row.both, counted(tmp_path).different) == (701, 701)
    again = opened(tmp_path)
    assert again.noise("c", ROUTE)[PLACE].both == 701
    again.close()


@pytest.mark.parametrize(
    ("keys", "rules", "kept"),
    [
        ({}, [], True),
        ({"sample": 50}, [], True),
        ({"stage": "shadow"}, [], False),
        ({"percent": 5}, [], False),
        ({}, ["c"], False),
        ({}, ["other"], True),
    ],
)
def test_evidence_begins_anew_with_stage_share_or_rules(
    tmp_path: Path, keys: dict[str, object], rules: list[str], kept: bool
) -> None:
    first = opened(tmp_path)
    first.learn("c", ROUTE, paired(Pair.BOTH))
    first.count("c", STRATUM, Verdict.EQUAL, "u")
    first.flush()
    written = Rules.model_validate(
        {"rules": [{"name": "r", "action": "show", "capability": name, "where": "body", "path": "$.a", "reason": "r"} for name in rules]}
    )  # fmt: skip
    first.begin(config(**keys), written)
    assert bool(first.noise("c", ROUTE)) is kept
    first.close()
    assert bool(read_rows(tmp_path, StratumRow)) is kept
    assert bool(read_rows(tmp_path, UserRow)) is kept


def test_the_day_on_which_a_rule_ends_is_another_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2027, 3, 1)
    monkeypatch.setattr(evidence_module, "today", lambda: day)
    rules = Rules.model_validate(
        {"rules": [{"name": "r", "action": "ignore", "capability": "c", "where": "body", "path": "$.a", "reason": "r", "owner": "o", "expires": "2027-03-01"}]}
    )  # fmt: skip
    evidence = opened(tmp_path, rules)
    evidence.count("c", STRATUM, Verdict.IGNORED, None)
    assert evidence.is_of_today
    day = date(2027, 3, 2)
    assert not evidence.is_of_today
    evidence.begin(config(), rules)
    assert evidence.compared("c", STRATUM) == 0
    evidence.close()


def test_a_user_counts_a_few_times_and_whoever_cannot_be_told_apart_each_time(
    tmp_path: Path,
) -> None:
    evidence = opened(tmp_path)
    for user in [*["ann"] * 100, "bob", *[None] * 20]:
        evidence.count("c", STRATUM, Verdict.EQUAL, user)
    evidence.flush()
    row = counted(tmp_path)
    assert (row.compared, row.trials, row.users, row.events) == (121, PER_USER + 1 + 20, 2, 0)
    evidence.count("c", STRATUM, Verdict.DIFFERENT, "ann")  # a difference is never too many
    evidence.close()
    row = counted(tmp_path)
    assert (row.trials, row.events) == (PER_USER + 22, 1)


def test_noise_is_no_trial_and_lag_is_one_without_an_event(tmp_path: Path) -> None:
    evidence = opened(tmp_path)
    for verdict in Verdict:
        evidence.count("c", STRATUM, verdict, None)
    evidence.close()
    row = counted(tmp_path)
    assert (row.compared, row.trials, row.events, row.noise) == (5, 4, 1, 1)


def test_all_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_PLACES", "MAX_STRATA", "MAX_FIELDS", "MAX_USERS"):
        monkeypatch.setattr(evidence_module, name, 3)
    evidence = opened(tmp_path)
    for number in range(9):
        place = Place("value", "body", f"$.a{number}")
        outcome = paired(Pair.BOTH)
        evidence.learn("c", ROUTE, Outcome(outcome.judgement, 1, pairs={place: Pair.BOTH}))
        evidence.count("c", STRATUM._replace(method=f"M{number}"), Verdict.EQUAL, f"u{number}")
        evidence.look_at("c", ROUTE, [FieldRow("", "", f"$.a{number}", seen=1)])
    evidence.close()
    assert len(read_rows(tmp_path, NoiseRow)) == len(read_rows(tmp_path, StratumRow)) == 3
    assert len(read_rows(tmp_path, FieldRow)) == len(read_rows(tmp_path, UserRow)) == 3


def test_a_broken_file_is_moved_aside_and_one_of_another_version_is_said_to_be_one(
    tmp_path: Path,
) -> None:
    (tmp_path / EVIDENCE_NAME).write_bytes(b"no database at all" * 99)
    with pytest.raises(StoreError, match="moves a broken one aside"):
        read_rows(tmp_path, NoiseRow)
    evidence = opened(tmp_path)
    evidence.learn("c", ROUTE, paired(Pair.BOTH))
    evidence.close()
    assert len(read_rows(tmp_path, NoiseRow)) == 1
    assert len(list(tmp_path.glob(f"{EVIDENCE_NAME}.broken-*"))) == 1


def test_what_cannot_be_read_at_the_start_is_not_forgotten(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.count("c", STRATUM, Verdict.EQUAL, None)
    first.close()
    with closing(sqlite3.connect(tmp_path / EVIDENCE_NAME, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        second = opened(tmp_path)
        second.flush()
        assert second.compared("c", STRATUM) == 0
        other.execute("ROLLBACK")
    second.flush()
    assert second.compared("c", STRATUM) == 1
    second.count("c", STRATUM, Verdict.EQUAL, None)
    second.close()
    assert counted(tmp_path).compared == 2


def test_a_file_that_breaks_while_it_is_used_is_written_anew_as_a_whole(tmp_path: Path) -> None:
    evidence = opened(tmp_path)
    evidence.count("c", STRATUM, Verdict.EQUAL, None)
    evidence.flush()
    with closing(sqlite3.connect(tmp_path / EVIDENCE_NAME)) as other, other:
        other.execute("DROP TABLE paired")
        other.execute("CREATE VIEW paired AS SELECT 1 AS capability")
    with patch.object(sqlite3, "OperationalError", ValueError):  # whatever is no passing trouble
        evidence.learn("c", ROUTE, paired(Pair.BOTH))
        evidence.flush()
    evidence.close()
    again = opened(tmp_path)
    assert again.compared("c", STRATUM) == 1
    assert len(list(tmp_path.glob(f"{EVIDENCE_NAME}.broken-*"))) == 1


def test_a_disk_that_is_full_costs_nothing_that_fits_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = opened(tmp_path)
    store = evidence._store
    monkeypatch.setattr(store, "write", lambda *_: False)
    evidence.learn("c", ROUTE, paired(Pair.BOTH))
    evidence.flush()
    assert evidence.noise("c", ROUTE)[PLACE].both == 1
    monkeypatch.undo()
    evidence.close()
    assert [row.both for row in read_rows(tmp_path, NoiseRow)] == [1]
