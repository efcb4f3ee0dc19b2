"""Files that are no fig.yaml: hostile, huge, unreadable, in another encoding. Refused with one clear problem, quickly."""

import json
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stranglerfig.config.example import example_text
from stranglerfig.config.load import digest_of, load, parse, read_text
from stranglerfig.config.problem import ConfigError, Problem

GOOD = "upstreams: {monolith: 'http://127.0.0.1:8100'}\n"


def problem_of(path: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load(path)
    [problem] = caught.value.problems
    return problem


def test_a_good_file_is_loaded_with_its_digest_and_place(tmp_path: Path) -> None:
    path = tmp_path / "fig.yaml"
    path.write_text(GOOD + "state_dir: state\n")
    loaded = load(path)
    assert loaded.path == path
    assert loaded.state_dir == tmp_path / "state"
    assert loaded.text == path.read_text()
    assert loaded.digest == digest_of(loaded.text)
    assert len(loaded.digest) == 64


def test_a_relative_file_has_an_absolute_state_dir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fig.yaml").write_text(GOOD)
    assert load("fig.yaml").state_dir == tmp_path / ".fig"
    Path("fig.yaml").write_text(GOOD + f"state_dir: {tmp_path / 'abs'}\n")
    assert load("fig.yaml").state_dir == tmp_path / "abs"


def test_a_missing_file_leads_to_init(tmp_path: Path) -> None:
    problem = problem_of(tmp_path / "fig.yaml")
    assert "no such file" in problem.message
    assert "fig init" in problem.mend


def test_a_directory_is_named_as_such(tmp_path: Path) -> None:
    assert "directory" in problem_of(tmp_path).message


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fig.yaml")
    assert "no regular file" in problem_of(tmp_path / "fig.yaml").message


def test_a_dangling_link_is_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "fig.yaml").symlink_to(tmp_path / "nowhere")
    assert "no such file" in problem_of(tmp_path / "fig.yaml").message


def test_a_circle_of_links_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "fig.yaml").symlink_to(tmp_path / "fig.yaml")
    assert "cannot be read" in problem_of(tmp_path / "fig.yaml").message


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_rights_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "fig.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    assert "cannot be read" in problem_of(path).message


def test_a_path_with_nul_is_unreadable() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load("fig\0.yaml")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff\xfeu\x00p\x00", 1),  # UTF-16
        (GOOD.encode() + b"# caf\xe9\n", 2),  # latin-1
        (bytes(range(256)), 2),
        (b"\x1f\x8b\x08" + bytes(50), 1),  # gzip
    ],
)
def test_what_is_not_utf8_is_refused_with_its_line(
    tmp_path: Path, content: bytes, line: int
) -> None:
    path = tmp_path / "fig.yaml"
    path.write_bytes(content)
    problem = problem_of(path)
    assert problem.message == "the file is not UTF-8"
    assert problem.line == line


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_byte_order_marks_and_line_ends_do_not_matter(
    tmp_path: Path, newline: str, mark: str
) -> None:
    path = tmp_path / "fig.yaml"
    text = mark + (example_text() + "worker: 2\n").replace("\n", newline)
    path.write_bytes(text.encode())
    assert read_text(path) == text
    problem = problem_of(path)
    assert (problem.line, problem.column) == (example_text().count("\n") + 1, 1)


def refused_within(text: str, seconds: float) -> Problem:
    before = time.process_time()
    with pytest.raises(ConfigError) as caught:
        parse(text, "fig.yaml")
    assert time.process_time() - before < seconds
    return caught.value.problems[0]


def test_a_file_of_ten_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "fig.yaml"
    path.write_bytes(b"# \n" * 3_500_000)
    assert "larger than 1 MiB" in problem_of(path).message


def test_an_endless_nesting_is_refused_at_once() -> None:
    assert "too deep" in refused_within("a: " + "[" * 500_000, 2).message
    assert (
        "too deep" in refused_within("\n".join(" " * i + f"k{i}:" for i in range(900)), 2).message
    )


def test_a_billion_laughs_are_refused_at_the_first() -> None:
    laughs = 'a: &a ["lol"]\n' + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    problem = refused_within(laughs, 1)
    assert "alias" in problem.message
    assert problem.line == 2


def test_huge_numbers_are_texts_and_not_worked_out() -> None:
    assert "not a whole number" in refused_within(GOOD + f"workers: {'9' * 900_000}\n", 3).message


def test_five_thousand_mistakes_are_found_in_seconds() -> None:
    routes = "".join(f"      - GTE /x{i}\n" for i in range(5_000))
    text = GOOD + f"capabilities:\n  c:\n    upstream: monolith\n    routes:\n{routes}"
    before = time.process_time()
    with pytest.raises(ConfigError) as caught:
        parse(text, "fig.yaml")
    assert len(caught.value.problems) >= 5_000
    assert time.process_time() - before < 10


def mistakes_in(text: str) -> tuple[Problem, ...]:
    """The mistakes; none if the text is taken. Anything but a ConfigError with problems fails the test."""
    try:
        parse(text, "fig.yaml")
    except ConfigError as error:
        return error.problems or pytest.fail("refused without a reason")
    return ()


EXAMPLE_LINES = example_text().splitlines(keepends=True)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_a_mangled_file_is_taken_or_refused_with_places_inside_it(
    source: random.Random, cuts: int
) -> None:
    lines = list(EXAMPLE_LINES)
    for _ in range(cuts):
        at = source.randrange(len(lines))
        match source.randrange(6):
            case 0:
                del lines[at : at + source.randrange(1, 4)]
            case 1:
                lines.insert(at, source.choice(lines))
            case 2:
                lines[at] = lines[at].replace(
                    ":", source.choice(["", "::", ": [", ": {", ": |"]), 1
                )
            case 3:
                lines[at] = " " * source.randrange(5) + lines[at].lstrip()
            case 4:
                spot = source.randrange(len(lines[at]))
                lines[at] = (
                    lines[at][:spot]
                    + source.choice("*&!@%\t\0\"'}]-#\x85\u2028é")
                    + lines[at][spot:]
                )
            case _:
                lines[at] = lines[at].partition(":")[0] + ": " + source.choice(
                    ["null", "5", "true", "[]", "{}", "-1", "1e9", "x" * 50, "[[[]]]", "{a: {b: c}}"]
                ) + "\n"  # fmt: skip
    text = "".join(lines)
    for problem in mistakes_in(text):
        assert 0 <= problem.line <= len(text.splitlines()) + 1
        assert problem.message
        assert problem.mend
        assert "\n" not in str(problem)


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_any_text_at_all_is_refused_as_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text, "fig.yaml")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "listen",
                    "upstreams",
                    "monolith",
                    "url",
                    "urls",
                    "timeouts",
                    "connect",
                    "balance",
                    "breaker",
                    "health",
                    "path",
                    "concurrency",
                    "queue",
                    "size",
                    "fallthrough",
                    "capabilities",
                    "c",
                    "upstream",
                    "routes",
                    "match",
                    "safe",
                    "stage",
                    "percent",
                    "lists",
                    "allow",
                    "deny",
                    "sticky",
                    "control",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["listen", "upstreams", "fallthrough", "capabilities", "trusted_proxies", "workers"]), json_values))  # fmt: skip
def test_values_of_any_type_anywhere_are_taken_or_refused_as_config_errors(
    data: dict[str, object],
) -> None:
    mistakes_in(json.dumps({"upstreams": {"monolith": "http://h:1"}} | data))
