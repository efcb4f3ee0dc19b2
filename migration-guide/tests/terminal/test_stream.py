"""Bytes cut at the prompts, however they arrive."""

import pytest

from guidebook.terminal.stream import MOST_BYTES, Prompt, Stream

WORD = "guide-1234"
ENDED = f"\x1e{WORD}:7\x1f".encode()
MORE = f"\x1e{WORD}:\x1f".encode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_prompt_is_found_in_pieces(size: int) -> None:
    stream = Stream(WORD)
    whole = b"one\r\n\x1etwo\x1e" + MORE + ENDED
    for place in range(0, len(whole), size):
        stream.feed(whole[place : place + size])
    assert stream.written == b"one\r\n\x1etwo\x1e"
    assert stream.prompts == [Prompt(None), Prompt(7)]


def test_another_prompt_is_output() -> None:
    stream = Stream(WORD)
    stream.feed(b"\x1eguide-9999:0\x1f and more of it")
    assert stream.written == b"\x1eguide-9999:0\x1f and more of it"
    assert stream.prompts == []


def test_a_flood_is_counted_and_its_end_still_seen() -> None:
    stream = Stream(WORD)
    for _ in range(30):
        stream.feed(b"x" * 100_000)
    stream.feed(ENDED)
    assert len(stream.written) == MOST_BYTES
    assert stream.dropped == 3_000_000 - MOST_BYTES
    assert stream.prompts == [Prompt(7)]


def test_a_new_beginning_forgets() -> None:
    stream = Stream(WORD)
    stream.feed(b"old" + ENDED)
    stream.begin()
    stream.feed(b"new")
    assert (stream.written, stream.prompts, stream.dropped) == (b"new", [], 0)


def test_what_comes_behind_the_prompt_is_late() -> None:
    stream = Stream(WORD)
    stream.feed(b"one")
    assert stream.late == b""
    stream.feed(b"two" + ENDED)
    assert stream.late == b""
    stream.feed(b"three")
    assert stream.late == b"three"
    stream.begin()
    assert stream.late == b""
