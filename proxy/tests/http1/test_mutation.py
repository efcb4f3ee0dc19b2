"""Damaged streams, cut anywhere: one message is at most one message behind the proxy, with the same meaning.

What is written is read back by h11 and by a strict reader of our own; so is what was sent.
"""

from answer_streams import answers, damaged_answers
from fuzzing.one_answer import Asked, check_answer
from fuzzing.one_request import check_requests
from hypothesis import given, settings
from hypothesis import strategies as st
from request_streams import cut, damaged_streams, places

asked = st.builds(Asked, st.booleans(), st.booleans(), st.booleans())


@settings(max_examples=200)
@given(damaged_streams(), places)
def test_a_damaged_request_is_at_most_one_with_the_same_meaning(data: bytes, at: list[int]) -> None:
    check_requests([piece for piece in cut(data, at) if piece])


@settings(max_examples=200)
@given(answers() | damaged_answers, places, asked)
def test_a_damaged_answer_is_at_most_one_with_the_same_meaning(
    data: bytes, at: list[int], asked: Asked
) -> None:
    check_answer([piece for piece in cut(data, at) if piece], asked)
