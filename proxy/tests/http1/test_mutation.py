"""Damaged streams, cut anywhere: one message is at most one message behind the proxy, with the same meaning.

What is written is read back by h11 and by a strict reader of our own; so is what was sent.
"""

from typing import Any

import pytest
from answer_streams import answers, damaged_answers
from fuzzing.one_answer import Asked, check_answer
from fuzzing.one_request import check_requests
from fuzzing.planted import BUGS
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from request_streams import cut, damaged_streams, places

asked = st.builds(Asked, st.booleans(), st.booleans(), st.booleans())


@settings(max_examples=500)
@given(damaged_streams(), places)
def test_a_damaged_request_is_at_most_one_with_the_same_meaning(data: bytes, at: list[int]) -> None:
    check_requests([piece for piece in cut(data, at) if piece])


@settings(max_examples=500)
@given(answers() | damaged_answers, places, asked)
def test_a_damaged_answer_is_at_most_one_with_the_same_meaning(
    data: bytes, at: list[int], asked: Asked
) -> None:
    check_answer([piece for piece in cut(data, at) if piece], asked)


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_that_is_put_in_is_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, attribute, value in BUGS[bug]:
        monkeypatch.setattr(place, attribute, value)
    search: Any = settings(
        max_examples=3000, derandomize=True, database=None, phases=[Phase.generate]
    )

    @search
    @given(damaged_streams(), damaged_answers, asked)
    def look(requests: bytes, answer: bytes, asked: Asked) -> None:
        check_requests([requests] if requests else [])
        check_answer([answer] if answer else [], asked)

    with pytest.raises(AssertionError):
        look()
