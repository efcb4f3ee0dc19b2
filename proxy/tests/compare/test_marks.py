"""Evidence begins at the last change: what was counted before it is taken off, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.compare.account import Account
from stranglerfig.compare.marks import MARKS_NAME, Mark, read_marks, write_marks

COUNTS = st.dictionaries(st.sampled_from(["equal", "different", "ignored"]), st.integers(1, 9))
ACCOUNTS = st.builds(
    Account, st.integers(0, 50), st.integers(0, 50), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS
)


def plus(one: Account, other: Account) -> Account:
    def added(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
        return {name: a.get(name, 0) + b.get(name, 0) for name in {*a, *b}}

    names = ("results", "not_teed", "not_judged", "lost", "no_answer_by", "rule_hits")
    return Account(
        one.asked + other.asked,
        one.teed + other.teed,
        *(added(getattr(one, name), getattr(other, name)) for name in names),
    )


@given(ACCOUNTS, ACCOUNTS)
def test_what_came_since_is_what_was_added(before: Account, added: Account) -> None:
    assert plus(before, added).since(before) == added


def test_counters_that_were_removed_begin_anew() -> None:
    now = Account(3, 3, {"equal": 3})
    assert now.since(Account(10, 10, {"equal": 10})) == now


def test_marks_are_read_as_they_were_written(tmp_path: Path) -> None:
    marks = {"catalog": Mark(12.5, Account(2, 2, {"equal": 1, "different": 1}))}
    write_marks(tmp_path, marks)
    assert read_marks(tmp_path) == marks


@pytest.mark.parametrize("damage", ["", "[]", '{"catalog": 1}', '{"catalog": {"at": 1}}', "\0"])
def test_a_damaged_file_marks_nothing(tmp_path: Path, damage: str) -> None:
    (tmp_path / MARKS_NAME).write_text(damage)
    assert read_marks(tmp_path) == {}
