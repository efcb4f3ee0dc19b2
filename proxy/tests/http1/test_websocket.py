"""Where a WebSocket frame ends, against frames that another library has made."""

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode

from stranglerfig.http1.websocket import Frames, close_frame

LENGTHS = st.one_of(
    st.integers(0, 200), st.sampled_from([124, 125, 126, 127, 65_534, 65_535, 65_536, 70_000])
)
FRAMES = st.tuples(
    st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.PONG]),
    LENGTHS,
    st.booleans(),
)


def written(opcode: Opcode, length: int, mask: bool) -> bytes:
    if opcode in (Opcode.PING, Opcode.PONG):
        length = min(length, 125)
    return Frame(opcode, bytes(length)).serialize(mask=mask)


@given(st.lists(FRAMES, min_size=1, max_size=5), st.lists(st.integers(0, 200_000), max_size=8))
def test_it_is_known_at_every_cut_whether_a_frame_is_under_way(
    frames: list[tuple[Opcode, int, bool]], at: list[int]
) -> None:
    wire = [written(*frame) for frame in frames]
    ends, data = {0}, b""
    for frame in wire:
        data += frame
        ends.add(len(data))
    # Every place near the ends of frames, and some others.
    cuts = sorted({place for end in ends for place in range(end - 3, end + 16)} | set(at))
    follower, before = Frames(), 0
    for cut in [cut for cut in cuts if 0 < cut <= len(data)]:
        assert follower.follow(data[before:cut]) == cut - before
        assert follower.is_between is (cut in ends)
        before = cut
    assert not follower.has_close


@given(st.lists(FRAMES, min_size=1, max_size=4), st.data())
def test_it_stops_at_the_end_of_the_frame_under_way(
    frames: list[tuple[Opcode, int, bool]], drawn: st.DataObject
) -> None:
    first, *others = [written(*frame) for frame in frames]
    at = drawn.draw(st.integers(1, len(first) - 1))
    follower = Frames()
    follower.follow(first[:at])
    assert not follower.is_between
    assert follower.follow(first[at:] + b"".join(others), stop=True) == len(first) - at
    assert follower.is_between


def test_a_close_is_noticed_and_ours_is_one() -> None:
    ours = close_frame(1012, "service restart")
    assert ours == Frame(Opcode.CLOSE, Close(1012, "service restart").serialize()).serialize(
        mask=False
    )
    follower = Frames()
    follower.follow(ours)
    assert follower.has_close
    assert follower.is_between
