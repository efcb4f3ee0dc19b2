"""The diff that a failing page is told with."""

import pytest

from guidebook.expected import Shown, difference


@pytest.mark.parametrize(
    ("shown", "got", "diff"),
    [
        (("a", "b"), ["a", "c"], ["  a", "- b", "+ c"]),
        (("a",), [], ["- a"]),
        ((), ["a"], ["+ a"]),
        (("took <ms> ms", "b"), ["took 12 ms", "c"], ["  took 12 ms", "- b", "+ c"]),
        (("took <ms> ms",), ["took long"], ["- took <ms> ms", "+ took long"]),
        (("a", "c"), ["a", "b", "c"], ["  a", "+ b", "  c"]),
        (("a",), ["\x1b[1ma\x07\t"], ["- a", "+ \\x1b[1ma\\x07\\t"]),
        (("é",), ["é "], []),
        (("<n:all> a", "<n:all> b"), ["3 a", "4 b"], ["  3 a", "- <n:all> b", "+ 4 b"]),
    ],
)
def test_a_diff_pairs_what_fits(shown: tuple[str, ...], got: list[str], diff: list[str]) -> None:
    assert difference(Shown(shown, "/clone"), got) == diff


def test_what_fits_far_from_a_difference_is_counted() -> None:
    shown = (*(str(line) for line in range(20)), "a")
    assert difference(Shown(shown, "/clone"), [*shown[:-1], "b"]) == [
        "  … 17 lines that fit", "  17", "  18", "  19", "- a", "+ b",
    ]  # fmt: skip


def test_a_flood_is_cut() -> None:
    diff = difference(Shown(("a",), "/clone"), ["b"] * 100_000)
    assert diff[:2] == ["- a", "+ b"]
    assert diff[-1] == "  … 99800 more lines came"
    assert len(diff) == 202
