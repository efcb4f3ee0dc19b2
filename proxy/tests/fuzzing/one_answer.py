"""One upstream answer is at most one client answer, with the same meaning, and nobody else's.

An upstream's bytes go through the proxy's parser and writer. What the client gets is read back by h11 and by a strict
reader, and so is what the upstream sent.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h11
from feeding import comparable

from fuzzing.strict_reader import Message, Reading, State, read_answer
from stranglerfig.counters import CounterBlock
from stranglerfig.http1.failure import UpstreamError
from stranglerfig.http1.forwarded import Origin, PeerHeaders
from stranglerfig.http1.request_head import RequestHead, read_request_head
from stranglerfig.http1.request_parser import END
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent, ResponseParser
from stranglerfig.http1.writing import BodyFraming
from stranglerfig.routing.plan import Plan
from stranglerfig.server.answer_stream import AnswerStream
from stranglerfig.server.meters import Meters

MINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
USER = "0123456789abcdefABCDEF"
_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"upgrade", b"transfer-encoding",
}  # fmt: skip
_STAY = {b"close", b"keep-alive", b"content-length"}


@dataclass(frozen=True)
class Asked:
    """What of the request matters to its answer."""

    is_head: bool = False
    is_http_1_0: bool = False
    is_new_user: bool = False

    @property
    def head(self) -> RequestHead:
        """The request's head, as the proxy has it."""
        return read_request_head(
            "HEAD" if self.is_head else "GET",
            b"/",
            [(b"Host", b"a"), (b"Connection", b"keep-alive")],
            is_http_1_0=self.is_http_1_0,
        )


@dataclass
class Taken:
    """What the proxy made of an upstream's bytes: ``failure`` if no whole answer, ``out`` for the client."""

    parser: ResponseParser
    stream: AnswerStream
    events: list[ResponseEvent]
    out: bytes
    failure: str | None
    is_by_closing: bool

    @property
    def is_whole(self) -> bool:
        """Whether the answer came to its end."""
        return END in self.events


def check_answer(pieces: Sequence[bytes], asked: Asked) -> None:
    """Raise AssertionError if the invariant does not hold for an upstream that sends ``pieces`` and closes."""
    data = b"".join(pieces)
    taken, at_once = take(pieces, asked), take([data], asked)
    theirs = read_answer(data, is_head=asked.is_head)
    # llhttp reads past line ends that come in one read with the end; alone they poison the connection. And one that
    # carried HEAD is not used again, whatever comes.
    ends_alike = not asked.is_head and (not theirs.rest or bool(theirs.rest.strip(b"\r\n")))
    assert told(taken, ends_alike) == told(at_once, ends_alike), "cutting changed it"
    client = read_answer(taken.out, is_head=asked.is_head, is_whole=False)
    if taken.is_whole:
        check_whole(taken, theirs, asked)
    elif taken.stream.status:
        check_cut(taken, theirs, client, asked)
    else:
        assert all(message.start[0].startswith(b"1") for message in client.messages)
        assert (client.state, client.open, client.rest) == (State.HEAD, None, b""), "half an answer"
    check_next(taken, theirs, asked)


def take(pieces: Sequence[bytes], asked: Asked) -> Taken:
    """Let the proxy read ``pieces`` as the answer to a request."""
    parser, head = ResponseParser(), asked.head
    parser.begin(is_head=asked.is_head)
    plan = Plan(1, upstream="monolith", set_cookie=USER if asked.is_new_user else None)
    stream = AnswerStream(head, plan, _origin(), (), _meters(), None, None)
    taken = Taken(parser, stream, [], b"", None, is_by_closing=False)

    def note(events: Sequence[ResponseEvent]) -> None:
        taken.events += events
        if events:
            taken.out += stream.take(events, may_keep_alive=True)

    for piece in filter(None, pieces):
        try:
            note(parser.feed(piece))
        except UpstreamError as error:
            note(parser.pending)
            taken.failure = error.failure.kind
            return taken
    if not parser.is_done:
        try:
            note(parser.eof())
            taken.is_by_closing = True
        except UpstreamError as error:
            taken.failure = error.failure.kind
    return taken


def told(taken: Taken, ends_alike: bool) -> Any:
    """What must not hang on where the bytes were cut."""
    events: list[Any] = []
    for event in taken.events:
        if isinstance(event, bytes) and events and isinstance(events[-1], bytes):
            events[-1] += event
        else:
            events.append(comparable(event))
    after = (taken.parser.is_poisoned, taken.parser.may_reuse) if ends_alike else None
    return events, taken.failure, after


def check_whole(taken: Taken, theirs: Reading, asked: Asked) -> None:
    """The client gets what the upstream said, and finds its end."""
    assert taken.events.count(END) == 1
    assert taken.events[-1] is END, "something behind the end"
    assert theirs.state in (State.BETWEEN, State.ENDED), "an answer that the upstream did not give"
    is_close = taken.stream.framing is BodyFraming.CLOSE
    client = read_answer(taken.out, is_head=asked.is_head, is_whole=is_close)
    assert client.rest == b"", "more than one answer"
    assert client.state is (State.BETWEEN if taken.stream.keep_alive else State.ENDED)
    check_messages(client.messages, theirs.messages, asked)
    assert read_by_h11(taken.out, is_head=asked.is_head, is_eof=is_close) == (
        int(client.messages[-1].start[0]),
        client.messages[-1].body,
    )


def check_cut(taken: Taken, theirs: Reading, client: Reading, asked: Asked) -> None:
    """The client gets the beginning of what the upstream said, and sees that it is no more."""
    assert client.state is State.BODY, "a cut answer that looks whole"
    assert client.open is not None
    said = [*theirs.messages, *filter(None, [theirs.open])]
    got = [*client.messages, client.open]
    assert said[-1].body.startswith(client.open.body)
    check_messages(got, said, asked, is_whole=False)


def check_messages(
    got: Sequence[Message], said: Sequence[Message], asked: Asked, *, is_whole: bool = True
) -> None:
    if asked.is_http_1_0:
        said = said[-1:]  # interim answers are not for it
    assert [message.start for message in got] == [message.start for message in said]
    for ours, theirs in zip(got, said, strict=True):
        expected = kept_headers(theirs)
        assert ours.headers[: len(expected)] == expected
        added = ours.headers[len(expected) :]
        is_final = theirs is said[-1]
        offered = [value for name, value in added if name == b"Upgrade"]
        if theirs.start[0] == b"426":  # says which protocols it demands (RFC 9110 section 15.5.22)
            assert protocols_of(offered) <= protocols_of(theirs.values(b"upgrade"))
        else:
            assert not offered
        assert {name for name, _ in added} <= {
            b"Set-Cookie",
            b"Connection",
            b"Transfer-Encoding",
            b"Upgrade",
        }
        assert is_final or not added
        is_for_all = any(
            part.partition(b"=")[0].strip().lower() in (b"public", b"s-maxage")
            for value in theirs.values(b"cache-control")
            for part in value.split(b",")
        )
        sets = [value for name, value in added if name == b"Set-Cookie"]
        assert len(sets) == (is_final and asked.is_new_user and not is_for_all)
    if is_whole:
        assert got[-1].body == said[-1].body


def protocols_of(values: Sequence[bytes]) -> set[bytes]:
    return {part.strip(b" \t") for value in values for part in value.split(b",")}


def kept_headers(said: Message) -> list[tuple[bytes, bytes]]:
    """The upstream's headers that the client must get."""
    kept = []
    for name, value in said.headers:
        lower = name.lower()
        if lower in _HOP_BY_HOP or lower.startswith(b"fig-") or lower in said.options - _STAY:
            continue
        if lower == b"content-length":
            value = value.lstrip(b"0") or b"0"
            if value != b"0" and (said.start[0] == b"204" or said.start[0].startswith(b"1")):
                continue
        kept.append((name, value))
    return kept


def check_next(taken: Taken, theirs: Reading, asked: Asked) -> None:
    """The connection carries another request only if nothing is left of this one, and its answer is then its own."""
    if not taken.parser.may_reuse:
        return
    assert taken.is_whole
    assert not taken.is_by_closing
    assert not asked.is_head
    assert not taken.parser.is_poisoned
    assert theirs.state is State.BETWEEN
    assert not theirs.rest.strip(b"\r\n"), "bytes of an answer would be the next one's"
    parser = taken.parser
    parser.begin(is_head=False)
    events = list(parser.feed(MINE))
    head = events[0]
    assert isinstance(head, ResponseHead)
    assert (head.status, events[1:]) == (200, [b"mine", END]), "somebody else's answer"


def read_by_h11(data: bytes, *, is_head: bool, is_eof: bool) -> tuple[int, bytes]:
    """Status and body of the final answer, as h11 reads it."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="HEAD" if is_head else "GET", target="/", headers=[("Host", "a")]))  # fmt: skip
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    if is_eof:
        connection.receive_data(b"")
    status, body = 0, b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        else:
            assert isinstance(event, h11.InformationalResponse), event
    assert connection.trailing_data[0] == b""
    return status, body


@cache
def _origin() -> Origin:
    return PeerHeaders("192.0.2.7", []).origin([], b"a", lambda: b"0" * 32)


@cache
def _meters() -> Meters:
    with tempfile.TemporaryDirectory() as folder:
        return Meters(CounterBlock.open(Path(folder) / "fuzzing"))
