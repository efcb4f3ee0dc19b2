"""The pipe's frames: what is written is read, however it is cut, and anything else is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.compare.observation import Observation, RecordedRequest, RecordedResponse
from stranglerfig.compare.wire import (
    MAX_FRAME_BYTES,
    FrameReader,
    Hello,
    Message,
    WireError,
    encode,
)

U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
HEADERS = st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=4).map(tuple)
WORD = st.text(max_size=9)
SECONDS = st.floats(allow_nan=False)
OBSERVATIONS = st.builds(
    Observation,
    slot=U32, sequence=U64, request_id=WORD, generation=U64, capability=WORD, route=WORD, stage=WORD, side=WORD,
    answered_by=WORD, other=WORD,
    request=st.builds(RecordedRequest, WORD, st.binary(max_size=20), HEADERS, st.binary(max_size=20)),
    response=st.builds(RecordedResponse, U32, HEADERS, st.binary(max_size=20)),
    started_at=SECONDS, elapsed_s=SECONDS,
)  # fmt: skip
HELLOS = st.builds(
    Hello, U32, U32, st.booleans(), st.lists(st.tuples(WORD, U64), max_size=4).map(tuple)
)
MESSAGES = OBSERVATIONS | HELLOS


@given(st.lists(MESSAGES, max_size=4), st.lists(st.integers(1, 40), max_size=30))
def test_what_is_written_is_read_however_it_is_cut(
    messages: list[Message], cuts: list[int]
) -> None:
    stream = b"".join(map(encode, messages))
    reader, read = FrameReader(), []
    for size in [*cuts, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        read += reader.feed(piece)
    assert read == messages
    assert reader.pending_bytes == 0


@given(MESSAGES, st.data())
def test_a_cut_frame_gives_nothing_and_waits(message: Message, data: st.DataObject) -> None:
    frame = encode(message)
    size = data.draw(st.integers(0, len(frame) - 1))
    reader = FrameReader()
    assert list(reader.feed(frame[:size])) == []
    assert reader.pending_bytes == size


@given(MESSAGES, st.data())
def test_a_damaged_frame_is_refused_or_is_another_message(
    message: Message, data: st.DataObject
) -> None:
    frame = bytearray(encode(message))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))
    try:
        for read in FrameReader().feed(bytes(frame)):
            assert isinstance(read, Observation | Hello)
    except WireError:
        return


@given(st.binary(max_size=60))
def test_random_bytes_never_crash_the_reader(data: bytes) -> None:
    try:
        list(FrameReader().feed(data))
    except WireError:
        return


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


@pytest.mark.parametrize(
    "data",
    [
        framed(b"\x02\x01" + bytes(16)),  # another version
        framed(b"\x01\x09"),  # unknown kind
        framed(b"\x01"),  # no kind
        framed(b""),
        framed(b"\x01\x01" + bytes(17)),  # a byte left over
        framed(b"\x01\x01" + bytes(12) + b"\xff\xff\xff\xff"),  # four milliards of pairs
        framed(b"\x01\x01" + bytes(8) + b"\x00\x00\x00\x02" + bytes(4)),  # neither true nor false
        struct.pack(">I", MAX_FRAME_BYTES + 1),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_hostile_frames_are_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        list(FrameReader().feed(data))


@pytest.mark.parametrize(
    "message",
    [Hello(-1, 0, True, ()), Hello(2**32, 0, True, ()), Hello(0, 0, True, (("\ud800", 1),)), Hello(0, 0, True, (("a", 2**64),))],
)  # fmt: skip
def test_what_does_not_fit_is_not_written(message: Hello) -> None:
    with pytest.raises(WireError):
        encode(message)
