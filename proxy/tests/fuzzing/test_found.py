"""What the fuzzer found once stays mended; what it begins with holds; and findings are kept so that they can be read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzzing import findings
from fuzzing.planted import BUGS
from fuzzing.targets import TARGETS


@pytest.mark.parametrize("case", findings.read_all())
def test_an_input_that_once_broke_something(case: str) -> None:
    target, data = findings.read_all()[case]
    TARGETS[target].check(data)


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_begins_with(name: str) -> None:
    for data in [b"", *TARGETS[name].seeds()]:
        TARGETS[name].check(data)


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_that_is_put_in_breaks_what_it_begins_with(
    bug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, attribute, value in BUGS[bug]:
        monkeypatch.setattr(place, attribute, value)
    faults = [
        findings.fault_of(target.check, data)
        for target in (TARGETS["requests"], TARGETS["answers"])
        for data in target.seeds()
    ]
    assert any(isinstance(fault, AssertionError) for fault in faults)


@given(st.binary(max_size=80) | st.text(" #\\n\n\r\t\\x", max_size=20).map(str.encode))
@example(b"#a\n#b \n\n")
@example(b"\\n#")
def test_a_finding_is_text_that_says_the_same_bytes(data: bytes) -> None:
    text = findings.escape(data)
    assert text.isascii()
    assert all(line.strip() == line.lstrip() for line in text.splitlines())
    assert findings.unescape(f"# why\n{text}") == data


def test_a_finding_is_made_short() -> None:
    def check(data: bytes) -> None:
        assert not (b"a" in data and b"b" in data)
        if b"c" in data:
            raise ValueError("another fault")

    assert sorted(findings.shrink(check, b"xxaxxxxbxx" * 9)) == sorted(b"ab")
    assert findings.shrink(check, b"harmless") == b"harmless"
