"""Changing one word of fig.yaml: that word changes, and no byte besides."""

import difflib
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stranglerfig.config.edit import EditError, set_stage
from stranglerfig.config.example import example_text
from stranglerfig.config.load import parse
from stranglerfig.config.model import Stage
from stranglerfig.config.problem import ConfigError
from stranglerfig.config.yaml_source import read_yaml

CASES = [
    pytest.param(
        "capabilities:\n  c:  # ours\n    stage:   'shadow'   # why\n    percent: 5 # %\n",
        "capabilities:\n  c:  # ours\n    stage:   'canary'   # why\n    percent: 10.5 # %\n",
        id="words change in their quotes, comments and spaces stay",
    ),
    pytest.param(
        "capabilities:\r\n  c:\r\n    upstream: s # s\r\n    routes: []\r\n",
        "capabilities:\r\n  c:\r\n    upstream: s # s\r\n    stage: canary\r\n    percent: 10.5\r\n    routes: []\r\n",
        id="missing keys become lines with the file's line ends",
    ),
    pytest.param(
        "capabilities:\n  c:\n    routes:\n      - GET /x\n    upstream: s",
        "capabilities:\n  c:\n    routes:\n      - GET /x\n    upstream: s\n    stage: canary\n    percent: 10.5",
        id="a last line without an end gets none",
    ),
    pytest.param(
        "capabilities:\n  c:\n    routes:\n      - GET /x\n",
        "capabilities:\n  c:\n    stage: canary\n    percent: 10.5\n    routes:\n      - GET /x\n",
        id="without an upstream they go to the top",
    ),
    pytest.param(
        "capabilities: {c: {upstream: s, routes: []}}",
        "capabilities: {c: {upstream: s, stage: canary, percent: 10.5, routes: []}}",
        id="within braces",
    ),
    pytest.param(
        '{"capabilities": {"c": {"upstream":"s","stage":"shadow"}}}',
        '{"capabilities": {"c": {"upstream":"s","stage":"canary", "percent": 10.5}}}',
        id="JSON stays JSON",
    ),
    pytest.param(
        "\ufeffcapabilities:\n  d: {stage: shadow}\n  c: {stage: shadow, percent: 3}\n",
        "\ufeffcapabilities:\n  d: {stage: shadow}\n  c: {stage: canary, percent: 10.5}\n",
        id="a byte order mark shifts nothing, another capability is left alone",
    ),
    pytest.param(
        "capabilities:\n  c:\n    stage:\n      shadow\n    percent:\n",
        "capabilities:\n  c:\n    stage:\n      canary\n    percent: 10.5\n",
        id="a word on a line of its own, a key without a value",
    ),
]


@pytest.mark.parametrize(("before", "after"), CASES)
def test_only_the_words_change(before: str, after: str) -> None:
    assert set_stage(before, "c", Stage.CANARY, 1050) == after


@pytest.mark.parametrize(("before", "after"), CASES)
def test_setting_it_twice_is_setting_it_once(before: str, after: str) -> None:
    assert set_stage(after, "c", Stage.CANARY, 1050) == after


def test_without_a_share_the_percent_stays() -> None:
    text = "capabilities:\n  c:\n    stage: canary\n    percent: 7\n"
    assert set_stage(text, "c", Stage.SERVICE) == text.replace("canary", "service")


@pytest.mark.parametrize(
    ("share", "written"), [(0, "0"), (1, "0.01"), (250, "2.5"), (1000, "10"), (10_000, "100")]
)
def test_a_share_is_written_as_people_write_it(share: int, written: str) -> None:
    text = "capabilities:\n  c:\n    stage: canary\n    percent: 7\n"
    assert set_stage(text, "c", Stage.CANARY, share) == text.replace("7", written)


def test_the_same_number_in_another_spelling_is_left_alone() -> None:
    text = "capabilities:\n  c:\n    stage: canary\n    percent: 10.00\n"
    assert set_stage(text, "c", Stage.CANARY, 1000) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no capability 'c'"),
        ("capabilities:\n", "no capability 'c'"),
        ("capabilities: {d: {stage: shadow}}", "no capability 'c'"),
        ("capabilities: [c]", "no capability 'c'"),
        ("capabilities:\n  c:\n", "no keys"),
        ("capabilities:\n  c: {}\n", "no keys"),
        ("capabilities:\n  c: text\n", "no keys"),
        ("capabilities:\n  c:\n    stage: {a: b}\n    percent: [1]\n", None),
        ("capabilities:\n  c:\n    ? stage\n    : shadow\n    ? upstream\n    : s\n", None),
        ("capabilities:\n  c:\n    stage: &anchor shadow\n", None),
        ("capabilities:\n  c:\n    stage: |\n      shadow\n    percent: >\n      5\n", None),
        ("capabilities:\n  c:\n    'stage' : \"shadow\"\n", None),
    ],
)
def test_an_odd_spelling_is_changed_rightly_or_not_at_all(text: str, message: str | None) -> None:
    before, _ = read_yaml(text, "fig.yaml")
    try:
        after, _ = read_yaml(set_stage(text, "c", Stage.CANARY, 100), "fig.yaml")
    except EditError as error:
        assert message is None or message in error.message  # noqa: PT017
        return
    assert message is None
    wanted = deepcopy(before)
    wanted["capabilities"]["c"] |= {"stage": "canary", "percent": 1}
    assert after == wanted


def test_what_is_not_yaml_is_no_edit() -> None:
    with pytest.raises(ConfigError):
        set_stage("a: [", "c", Stage.CANARY)


def test_the_example_keeps_every_comment() -> None:
    before = example_text()
    after = set_stage(before, "catalog", Stage.CANARY, 1000)
    changed = [
        line
        for line in difflib.ndiff(before.splitlines(), after.splitlines())
        if line.startswith(("+", "-"))
    ]
    assert changed == [
        "-     stage: monolith", "+     stage: canary", "-     percent: 0", "+     percent: 10",
    ]  # fmt: skip


# --- any file that is written with care

words = st.sampled_from(["shadow", "'shadow'", '"canary"', "service"])
space = st.sampled_from(["", " ", "   "])
comment = st.sampled_from(["", " # why: 'x'", "  #", " # stage: service"])
entry = st.one_of(
    st.builds("stage: {}{}".format, words, comment),
    st.builds("percent: {}{}".format, st.sampled_from(["5", "2.5", "100"]), comment),
    st.builds("upstream: s{}".format, comment),
    st.builds("writes: monolith{}".format, comment),
    st.sampled_from(["# a comment", "", "lists: {allow: [a, b]}", "compare: false"]),
)


@st.composite
def files(draw: st.DrawFn) -> str:
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    indent = draw(st.sampled_from(["  ", "    "]))
    lines = draw(
        st.sampled_from(
            [[], ["# top", ""], ["upstreams: {monolith: 'http://m:1', s: 'http://s:1'}"]]
        )
    )
    lines = [*lines, "capabilities:"]
    for name in draw(st.permutations(["b", "c"])):
        entries: dict[str, str] = {}
        for text in draw(st.lists(entry, max_size=6)):
            entries.setdefault(text.partition(":")[0] or str(len(entries)), text)
        entries.setdefault(
            "routes",
            draw(st.sampled_from(["routes: [GET /x]", f"routes:\n{indent * 3}- GET /{name}"])),
        )
        lines.append(f"{indent}{name}:{draw(comment)}")
        for text in entries.values():
            lines += [
                f"{indent * 2}{text}" if text and i == 0 else text
                for i, text in enumerate(text.split("\n"))
            ]
    text = newline.join(lines) + draw(st.sampled_from(["", newline, newline * 2]))
    return draw(st.sampled_from(["", "\ufeff"])) + text


@settings(max_examples=300)
@given(files(), st.sampled_from(list(Stage)), st.none() | st.integers(0, 10_000))
def test_the_result_says_the_new_values_and_the_rest_is_as_it_was(
    text: str, stage: Stage, share: int | None
) -> None:
    changed = set_stage(text, "c", stage, share)
    before, after = (read_yaml(each, "fig.yaml")[0] for each in (text, changed))
    wanted = deepcopy(before)
    wanted["capabilities"]["c"]["stage"] = stage.value
    if share is not None:
        wanted["capabilities"]["c"]["percent"] = share / 100
    assert after == wanted

    # Whatever was written is still there, in its order: lines are changed or added, never lost or moved.
    def others(lines: str) -> list[str]:
        return [
            line for line in lines.splitlines()
            if not line.strip().startswith(("stage", "percent"))
        ]  # fmt: skip

    assert others(changed) == others(text)
    assert changed.count("\r\n") - text.count("\r\n") in ((0, 1, 2) if "\r\n" in text else (0,))
    assert changed.count("#") == text.count("#")


def test_an_edited_file_is_still_a_config() -> None:
    text = set_stage(example_text(), "catalog", Stage.CANARY, 1)
    assert parse(text, "fig.yaml").config.capabilities["catalog"].share == 1
