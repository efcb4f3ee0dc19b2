"""What fits what: a table per placeholder, and the blanks."""

import pytest

from guidebook.expected import PLACEHOLDERS, Shown, read, read_beginning

FOLDER = "/home/reader/stranglerfig"


def fits(shown: Shown, got: list[str]) -> bool:
    return read(shown, got) is not None


def fits_beginning(shown: Shown, got: list[str]) -> bool:
    return read_beginning(shown, got) is not None


FITS = {
    "n": ["7", "1234", "1,234", "12,345,678", "10"],
    "n0": ["0", "7", "1,234"],
    "ms": ["0", "3.25", "1,024", "1,024.5"],
    "s": ["0.2", "12"],
    "percent": ["0", "12.5", "100"],
    "port": ["80", "65535"],
    "pid": ["1", "4194304"],
    "time": [
        "13:05", "13:05:09", "13:05:09.123", "13:05:09,123", "2026-11-26", "2026-11-26 13:05:09",
        "2026-11-26T13:05:09Z", "2026-11-26T13:05:09.1+00:00", "2026-11-26 13:05:09 +0000",
        "26/Nov/2026:13:05:09 +0000", "26/Nov/2026 13:05:09", "Thu, 26 Nov 2026 13:05:09 GMT", "26 Nov 2026",
    ],
    "id": ["1a2b", "3f0c5e6a-7d1b-4c6e-9f53-0a1b2c3d4e5f", "aGVsbG8_d29-bGQ=", "85f74a8", "facadebead"],
    "who": ["ada@shop", "root@1f2e.local"],
    "version": ["0.1", "5.2.19", "26.3.1rc1", "2.15.0.post1", "1.0-dev"],
}  # fmt: skip
FITS_NOT = {
    "n": ["0", "00", "", "-1", "1.5", "1,23", ",123", "0x1", "one", "1 2"],
    "n0": ["", "-1", "1.5", "none"],
    "ms": ["", "1.", ".5", "1ms", "1e3"],
    "s": ["", "-0.2", "0.2s"],
    "percent": ["", "12 %", "12%"],
    "port": ["", "655350", "http"],
    "pid": ["", "1,234"],
    "time": ["", "1305", "2026-11", "13:5", "noon", "26/11/2026"],
    "id": ["", "None", "Traceback", "dead", "1a2", "a b c d", "a.b.c", "a/bcd"],
    "who": ["", "ada", "@shop", "ada@"],
    "version": ["", "5", "v5.2", "5.x"],
}


def test_every_placeholder_has_its_table() -> None:
    assert set(FITS) == set(FITS_NOT) == set(PLACEHOLDERS)


@pytest.mark.parametrize(
    ("name", "got"), [(name, got) for name, all_got in FITS.items() for got in all_got]
)
def test_a_placeholder_takes(name: str, got: str) -> None:
    assert fits(Shown((f"a <{name}> b",), FOLDER), [f"a {got} b"])


@pytest.mark.parametrize(
    ("name", "got"), [(name, got) for name, all_got in FITS_NOT.items() for got in all_got]
)
def test_a_placeholder_refuses(name: str, got: str) -> None:
    assert not fits(Shown((f"a <{name}> b",), FOLDER), [f"a {got} b"])


@pytest.mark.parametrize(
    ("shown", "got", "equal"),
    [
        ("at <folder>/a", f"at {FOLDER}/a", True),
        ("at <folder>/a", "at /home/other/a", False),
        ("<n> of <n>", "3 of 12", True),
        ("(<n>)", "(3)", True),
        ("(<n>)", "[3]", False),
        ("<n>.<n>", "3x5", False),  # a dot is a dot
        ("<n:1..20> of <n0:0..3>", "20 of 0", True),
        ("<n:1..20>", "21", False),
        ("<n:5..20>", "4", False),
        ("<n:900..1,100>", "1,000", True),
        ("<percent:5..15> %", "9.87 %", True),
        ("<percent:5..15> %", "50.00 %", False),
        ("<id:1..2>", "1", False),  # an id has no bounds, so this is text
        ("<id:1..2>", "<id:1..2>", True),
        ("<n:workers>/<n:workers> up", "8/8 up", True),
        ("<n:workers>/<n:workers> up", "0/8 up", False),
        ("<n:workers>/<n:workers> up", "7/8 up", False),
        ("<n:all> is <n:all>", "1,024 is 1024", True),
        ("<name> <b>", "<name> <b>", True),
        ("<name>", "Ada", False),
        ("<N>", "3", False),
        ("a  b", "a      b", True),  # a gap between columns
        ("a      b", "a  b", True),
        ("a  b", "a b", False),
        ("a b", "a  b", False),
        ("  a", "    a", False),  # an indentation is none
        ("  a  b", "  a   b", True),
        ("a  b <n>", "a      b 3", True),
        ("a b <n>", "ab 3", False),
        ("a <n>", "a3", False),
        ("   <n> rows", "12345 rows", True),
        ("   <n> rows", "     1 rows", True),
        ("<n> rows", "  1 rows", True),
        ("all <n> rows", " all 1 rows", False),
        ("a <n> ", "a 3", True),
        ("a  ", "a", True),
        ("a", "a  ", True),
        ("a", "A", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_line_fits(shown: str, got: str, equal: bool) -> None:
    assert fits(Shown((shown,), FOLDER), [got]) is equal


@pytest.mark.parametrize(
    ("shown", "got", "whole", "beginning"),
    [
        ((), [], True, True),
        (("a",), [], False, False),
        ((), ["a"], False, True),
        (("a", "b"), ["a", "b"], True, True),
        (("a", "b"), ["b", "a"], False, False),
        (("a",), ["a", ""], False, True),
        (("a", "<n>"), ["a", "1", "c"], False, True),
    ],
)
def test_lines_fit(shown: tuple[str, ...], got: list[str], whole: bool, beginning: bool) -> None:
    assert fits(Shown(shown, FOLDER), got) is whole
    assert fits_beginning(Shown(shown, FOLDER), got) is beginning


def test_a_name_stands_for_the_same_from_line_to_line_and_from_output_to_output() -> None:
    shown = Shown(("<n:workers> start", "<n:workers> of <n:all>"), FOLDER)
    assert read(shown, ["8 start", "8 of 12"]) == {"workers": "8", "all": "12"}
    assert read(shown, ["8 start", "7 of 12"]) is None
    later = Shown(shown.lines, FOLDER, {"workers": "8"})
    assert read(later, ["8 start", "8 of 12"]) == {"workers": "8", "all": "12"}
    assert read(later, ["7 start", "7 of 12"]) is None


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        (
            "catalog  asked 225 · equal <n:100..225> · different 0 · ignored <n0:0..125>",
            "catalog  asked 225 · equal 0 · different 0 · ignored 225",
        ),
        ("workers <n:workers>/<n:workers> up, 0 restarts", "workers 0/8 up, 0 restarts"),
        ("by the monolith, <n> times by the service", "by the monolith, 0 times by the service"),
        ("catalog     canary 10 %  <percent:4..16> %", "catalog     canary 10 %  100 %"),
        ("request <id>", "request None"),
    ],
)
def test_what_a_page_argues_with_is_not_taken_if_it_is_wrong(shown: str, wrong: str) -> None:
    assert not fits(Shown((shown,), FOLDER), [wrong])
