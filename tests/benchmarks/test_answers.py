"""The clients see every wrong byte, however the answers are cut."""

import itertools

import pytest
from benchmarks.load.answers import Answers, Unexpected
from benchmarks.load.bodies import FILES, exchange, pattern, request
from hypothesis import given
from hypothesis import strategies as st

BODY = b"the one body\r\n\r\nthat is expected"
HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: %d\r\nConnection: keep-alive\r\n\r\n" % len(BODY)  # fmt: skip
ANSWER = HEAD + BODY


def feed(*parts: bytes) -> list[bool]:
    answers = Answers(BODY)
    return [answers.feed(part) for part in parts]


@given(st.lists(st.integers(1, len(ANSWER) * 2 - 1), unique=True).map(sorted))
def test_two_answers_are_whole_wherever_they_are_cut(cuts: list[int]) -> None:
    # A cut between both at least: the second is only asked for when the first is whole.
    edges = sorted({0, *cuts, len(ANSWER), len(ANSWER) * 2})
    parts = [(ANSWER * 2)[one:two] for one, two in itertools.pairwise(edges)]
    told = feed(*parts)
    assert [edges[place + 1] for place, whole in enumerate(told) if whole] == [
        len(ANSWER),
        len(ANSWER) * 2,
    ]


@given(st.integers(len(HEAD), len(ANSWER) - 1))
def test_one_other_byte_in_the_body_is_seen(place: int) -> None:
    wrong = bytearray(ANSWER)
    wrong[place] ^= 1
    with pytest.raises(Unexpected, match="another body"):
        feed(bytes(wrong))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ANSWER.replace(b"200 OK", b"502 Bad Gateway"), "502 Bad Gateway"),
        (ANSWER.replace(b"content-length: ", b"content-length: 1"), "Content-Length 1"),
        (ANSWER.replace(b"content-length", b"x-length"), "Content-Length none"),
        (ANSWER + b"H", "another body"),
        (b"x" * 70_000, "without end"),
    ],
)
def test_what_is_wrong_is_said(answer: bytes, said: str) -> None:
    with pytest.raises(Unexpected, match=said):
        feed(answer)


def test_the_last_answer_of_a_connection_is_known() -> None:
    answers = Answers(BODY)
    assert answers.feed(ANSWER)
    assert not answers.closes
    assert answers.feed(ANSWER.replace(b"keep-alive", b"Close"))
    assert answers.closes


def test_blocks_of_a_body_differ_from_each_other() -> None:
    body = pattern(1 << 20)
    for size in (4096, 16384, 65536):
        blocks = [body[at : at + size] for at in range(0, len(body), size)]
        assert len(set(blocks)) == len(blocks)
    assert not set(body) & set(b"\0\r\n")
    assert pattern(100) == body[:100]


def test_requests_say_how_much_they_post() -> None:
    posted = exchange("taken")
    sent = request("/x", "a", "fig_user=b", posted.posted)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /x HTTP/1.1\r\n")
    assert b"Content-Length: 16384" in head
    assert body == posted.posted
    assert posted.answer == b'{"taken": "16384"}'
    assert exchange("64k").answer == pattern(FILES["64k"])
