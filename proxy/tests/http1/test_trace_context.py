"""Traces: which go on, which begin here, and what a shadow is told."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.http1.headers import Header
from stranglerfig.http1.trace_context import Trace, Tracing, child_headers, trace_id_of

ID = b"4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = b"00f067aa0ba902b7"
VALID = b"00-%b-%b-01" % (ID, PARENT)
REQUEST = b"0123456789abcdef0123456789abcdef"
BEGUN = re.compile(rb"traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-(0[23])\r\n")


def of(
    *sent: tuple[bytes, bytes],
    trusted: bool = True,
    mode: str = "trusted",
    request_id: bytes = REQUEST,
) -> Trace:
    return Tracing(mode, 100.0).trace_of(sent, request_id, is_trusted=trusted)


def parent(value: bytes, name: bytes = b"traceparent") -> Header:
    return name, value


def state(value: bytes) -> Header:
    return b"tracestate", value


def test_a_trace_that_begins_here_is_called_as_the_request_is() -> None:
    trace = of()
    assert trace.trace_id == REQUEST
    assert trace.lines == b"traceparent: 00-%b-%b-03\r\n" % (REQUEST, REQUEST[:16])
    assert trace.headers == ((b"traceparent", b"00-%b-%b-03" % (REQUEST, REQUEST[:16])),)
    assert trace.dropped is None


@pytest.mark.parametrize("request_id", [b"abc", b"0" * 32, b"0" * 16 + b"1" * 16, REQUEST.upper()])
def test_a_request_id_that_can_be_no_trace_id_is_none(request_id: bytes) -> None:
    first, second = of(request_id=request_id), of(request_id=request_id)
    assert BEGUN.fullmatch(first.lines)
    assert first.trace_id is not None
    assert first.trace_id not in (request_id, second.trace_id)


@pytest.mark.parametrize(
    "sent",
    [
        [parent(VALID)],
        [parent(VALID, b"TraceParent"), state(b"rojo=1,congo=t61rcWkgMzE")],
        [state(b"a=1"), parent(VALID), state(b"b=2")],
        [parent(VALID), state(b"")],
        [parent(VALID), state(b" , a=1 ,, b=2\t,")],
        [parent(VALID), state(b"tenant@system=x y,0a=~")],
        [parent(VALID), state(b",".join(b"k%d=v" % number for number in range(32)))],
        [parent(VALID), state(b"a" * 256 + b"=" + b"v" * 256)],
        [parent(b"00-%b-%b-00" % (ID, PARENT))],
        [parent(b"00-%b-%b-ff" % (ID, PARENT))],
        [parent(b"cc-%b-%b-01-what-the-future-will-be-like" % (ID, PARENT))],
        [parent(b"cc-%b-%b-01" % (ID, PARENT))],
    ],
)
def test_a_trusted_trace_goes_on_unchanged(sent: Sequence[Header]) -> None:
    trace = of(*sent)
    assert trace == Trace(ID, b"".join(b"%b: %b\r\n" % header for header in sent))
    assert trace.headers == tuple(sent)
    assert of(*sent, trusted=False, mode="anyone") == trace


@pytest.mark.parametrize(
    "value",
    [
        b"", b"00", VALID[:-1], VALID + b"0", VALID + b"-", VALID + b"-00", VALID.upper(), b"ff" + VALID[2:], b"0" + VALID,
        b"00-%b-%b-01" % (b"0" * 32, PARENT), b"00-%b-%b-01" % (ID, b"0" * 16), b"00-%b-%b-0g" % (ID, PARENT),
        b"cc-%b-%b-01.x" % (ID, PARENT), VALID.replace(b"-", b"_"), VALID + b"," + VALID, b"\x00" * 55, b"0\xb2" + VALID[2:],
    ],
)  # fmt: skip
def test_a_malformed_trace_begins_anew_and_takes_its_state_along(value: bytes) -> None:
    trace = of(parent(value), state(b"a=1"))
    assert trace == Trace(
        REQUEST, b"traceparent: 00-%b-%b-03\r\n" % (REQUEST, REQUEST[:16]), "malformed_trace"
    )


@pytest.mark.parametrize("sent", [[parent(VALID), parent(VALID)], [state(b"a=1")]])
def test_several_traces_are_none_and_so_is_a_state_alone(sent: Sequence[Header]) -> None:
    assert of(*sent).trace_id == REQUEST
    assert of(*sent).dropped == "malformed_trace"


@pytest.mark.parametrize(
    "value",
    [
        b"a", b"=1", b"a=", b"A=1", b"a=1,a=2", b"a=\xe9", b"a=1=2", b"a=x\x00y", b"a=x\ty", b"a" * 257 + b"=1",
        b"a=" + b"v" * 257, b",".join(b"k%d=v" % number for number in range(33)),
        b",".join(b"k%d=%b" % (number, b"v" * 256) for number in range(32)) + b"," + b" " * 100,
    ],
)  # fmt: skip
def test_a_bad_state_is_dropped_by_itself(value: bytes) -> None:
    assert of(parent(VALID), state(value)) == Trace(ID, b"traceparent: %b\r\n" % VALID)


def test_a_strangers_trace_does_not_go_on() -> None:
    trace = of(parent(VALID), state(b"a=1"), trusted=False)
    assert trace.trace_id == REQUEST
    assert b"tracestate" not in trace.lines
    assert trace.dropped == "untrusted_trace"


def test_off_passes_whatever_came_and_begins_nothing() -> None:
    assert of(mode="off") == Trace(None, b"")
    sent = (parent(b"nonsense"), state(b"x"), parent(VALID))
    assert of(*sent, trusted=False, mode="off").headers == sent


@pytest.mark.parametrize("percent", [0.0, 0.01, 1.0, 33.3, 50.0, 99.99, 100.0])
def test_so_many_percent_of_traces_begun_are_sampled(percent: float) -> None:
    tracing = Tracing("trusted", percent)
    ids = [b"%016x" % 1 + b"a1%014x" % (step * 2**56 // 10_000) for step in range(10_000)]
    traces = [tracing.trace_of((), each, is_trusted=False) for each in ids]
    sampled = sum(trace.lines.endswith(b"-03\r\n") for trace in traces)
    assert abs(sampled - percent * 100) <= 1


hexadecimal = st.text("0123456789abcdef", min_size=32, max_size=32)
junk = st.binary(max_size=80).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b""))


@given(st.lists(st.tuples(st.sampled_from([b"traceparent", b"TRACESTATE"]), st.one_of(junk, st.just(VALID), st.just(b"a=1"))), max_size=4), st.booleans(), st.sampled_from(["trusted", "anyone"]))  # fmt: skip
def test_whatever_is_sent_one_valid_trace_comes_of_it(
    sent: list[Header], trusted: bool, mode: str
) -> None:
    trace = Tracing(mode, 100.0).trace_of(sent, REQUEST, is_trusted=trusted)
    told = [value for name, value in trace.headers if name.lower() == b"traceparent"]
    assert len(told) == 1
    assert trace.trace_id is not None
    assert trace_id_of(trace.headers) == trace.trace_id.decode()
    assert trace.trace_id in (ID, REQUEST)
    assert trace.trace_id == REQUEST or trusted or mode == "anyone"
    # Whatever was kept is what was sent, and the state belongs to its own trace.
    assert trace.trace_id == ID or len(trace.headers) == 1
    assert trace.trace_id == REQUEST or all(header in sent for header in trace.headers)
    assert trace.lines.count(b"\r\n") == len(trace.headers)


@given(hexadecimal, st.text("0123456789abcdef", min_size=16, max_size=16), st.integers(0, 255))
def test_a_shadow_belongs_to_the_same_trace_under_an_id_of_its_own(
    trace_id: str, parent_id: str, flags: int
) -> None:
    value = f"00-{trace_id}-{parent_id}-{flags:02x}".encode()
    headers = ((b"Host", b"a"), (b"TraceParent", value), (b"tracestate", b"a=1"))
    told = child_headers(headers)
    if trace_id_of(headers) is None:
        assert told == headers
        return
    assert trace_id_of(told) == trace_id == trace_id_of(headers)
    assert (told[0], told[2]) == (headers[0], headers[2])
    name, child = told[1]
    assert name == b"TraceParent"
    assert child[36:52] != parent_id.encode()
    assert int(child[53:], 16) == flags & 3
    assert child_headers(headers) == told


def test_a_shadow_of_a_later_version_gets_the_one_that_we_know() -> None:
    (told,) = child_headers([parent(b"cc-%b-%b-0f-more" % (ID, PARENT))])
    assert told[1].startswith(b"00-" + ID)
    assert told[1].endswith(b"-03")
    assert child_headers([parent(b"x")]) == (parent(b"x"),)
