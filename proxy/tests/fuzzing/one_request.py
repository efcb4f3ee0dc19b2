"""One client request is at most one upstream request, with the same meaning.

A client's bytes go through the proxy's parser and writer. What was written is read back by h11 and by a strict reader, and
so is what the client sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from feeding import feed
from request_streams import read_by_h11

from fuzzing.strict_reader import Message, State, read_requests
from stranglerfig.http1.failure import ClientError
from stranglerfig.http1.forwarded import PeerHeaders
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import RequestEvent, RequestParser
from stranglerfig.http1.writing import chunk, last_chunk, request_bytes

AUTHORITY = "upstream.example:8000"
REQUEST_ID = b"0123456789abcdef0123456789abcdef"
PEER = "192.0.2.7"

# The README's table of what is dropped, in words of its own.
_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"upgrade", b"transfer-encoding",
}  # fmt: skip
_OURS = {b"forwarded", b"x-real-ip", b"x-request-id"}
_READ_BY_SERVERS = {b"script_name", b"path_info"}
_OWN_COOKIES = {b"fig_user", b"fig_wrote"}


@dataclass
class Sent:
    """What of one request goes to an upstream."""

    head: RequestHead
    wire: bytes
    body: bytes = b""
    is_whole: bool = True
    added: list[tuple[bytes, bytes]] = field(default_factory=list)


def check_requests(pieces: Sequence[bytes]) -> None:
    """Raise AssertionError if the invariant does not hold for a client that sends ``pieces``."""
    data = b"".join(pieces)
    assert feed(RequestParser(), pieces) == feed(RequestParser(), [data]), "cutting changed it"
    sent = sent_on(events_of(pieces))
    theirs = read_requests(data)
    whole = [request for request in sent if request.is_whole]
    assert len(whole) <= len(theirs.messages), "a request that the client did not send"
    for ours, said in zip(whole, theirs.messages, strict=False):
        check_written(ours)
        check_meaning(ours, said)
    for ours in sent[len(whole) :]:
        check_unfinished(ours)
        said = [*theirs.messages, *filter(None, [theirs.open])]
        assert len(whole) < len(said), "the beginning of a request that the client did not send"
        check_meaning(ours, said[len(whole)])
    check_by_h11(whole, data)


def events_of(pieces: Sequence[bytes]) -> list[RequestEvent]:
    parser = RequestParser()
    return [event for piece in pieces for event in parser.feed(piece)]


def sent_on(events: Sequence[RequestEvent]) -> list[Sent]:
    """What the requests among ``events`` become, up to a refusal; the last may lack its end."""
    requests: list[Sent] = []
    peer = PeerHeaders(PEER, [])
    for event in events:
        if isinstance(event, ClientError):
            assert event is events[-1], "read on behind a refused request"
            break
        if isinstance(event, RequestHead):
            assert not requests or requests[-1].is_whole, "a request within a request"
            origin = peer.origin(event.forwarded, event.host, lambda: REQUEST_ID)
            wire = request_bytes(event, origin.lines, lambda: AUTHORITY)
            requests.append(Sent(event, wire, b"", not event.has_body, list(origin.headers)))
            continue
        request = requests[-1]
        assert not request.is_whole, "a body behind its end"
        if isinstance(event, bytes):
            assert event, "an empty piece would end the chunks"
            request.body += event
            request.wire += chunk(event) if request.head.is_chunked else event
        else:
            request.is_whole = True
            request.wire += last_chunk() if request.head.is_chunked else b""
    return requests


def check_written(ours: Sent) -> None:
    """To the strict reader the bytes are one request, to its end."""
    reading = read_requests(ours.wire)
    assert (reading.state, reading.rest) == (State.BETWEEN, b"")
    [message] = reading.messages
    assert message.start == (ours.head.method.encode(), ours.head.target)
    assert message.body == ours.body


def check_unfinished(ours: Sent) -> None:
    """To the strict reader the bytes are the beginning of one request, and nothing else."""
    reading = read_requests(ours.wire)
    assert (reading.state, reading.messages) == (State.BODY, [])


def check_meaning(ours: Sent, said: Message) -> None:
    """What goes on is what the client said."""
    method, target = said.start
    assert ours.head.method.encode() == method
    assert ours.head.target in (target, *origin_forms(said))
    assert ours.head.keep_alive == said.keeps_alive or not ours.head.keep_alive
    if ours.is_whole:
        assert ours.body == said.body
    else:
        assert said.body.startswith(ours.body)
    reading = read_requests(ours.wire)
    [message] = [*reading.messages, *filter(None, [reading.open])]
    assert message.headers == expected_headers(ours, said)


def origin_forms(said: Message) -> list[bytes]:
    """The paths that an absolute target may become."""
    scheme, found, rest = said.start[1].partition(b"://")
    if not found or scheme.lower() not in (b"http", b"https"):
        return []
    cut = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    assert rest[:cut].lower() == said.values(b"host")[0].lower(), "another authority than Host"
    path = rest[cut:]
    if path.startswith(b"/"):
        return [path]
    return [b"*"] if said.start[0] == b"OPTIONS" and not path else [b"/" + path]


def expected_headers(ours: Sent, said: Message) -> list[tuple[bytes, bytes]]:
    """The headers that an upstream must get for what the client said."""
    named = said.options - {b"close", b"keep-alive", b"upgrade", b"te"}
    assert not named & {b"host", b"cookie", b"authorization", b"content-length", *_OURS}
    expected = [] if said.values(b"host") else [(b"Host", AUTHORITY.encode())]
    for name, value in said.headers:
        lower = name.lower()
        if lower in named or is_dropped(lower):
            continue
        if lower == b"content-length":
            value = value.lstrip(b"0") or b"0"
        elif lower == b"cookie" and (left := other_cookies(value)) != value:
            if not left:
                continue
            value = left
        expected.append((name, value))
    expected += ours.added
    if said.is_chunked:
        expected.append((b"Transfer-Encoding", b"chunked"))
    return [(name, value.strip(b" \t")) for name, value in expected]


def is_dropped(lower: bytes) -> bool:
    """Whether a header of this name from a stranger never goes on."""
    folded = lower.replace(b"_", b"-")
    return (
        lower in _HOP_BY_HOP
        or lower in _READ_BY_SERVERS
        or folded in _OURS
        or folded.startswith((b"fig-", b"x-forwarded-"))
        or ("_" in lower.decode() and folded in (b"content-length", b"transfer-encoding"))
    )


def other_cookies(value: bytes) -> bytes:
    """A Cookie header without the proxy's own cookies; the same object's value if it has none."""
    pairs = value.split(b";")
    left = [pair for pair in pairs if pair.split(b"=")[0].strip() not in _OWN_COOKIES]
    return value if len(left) == len(pairs) else b";".join(left).strip()


def check_by_h11(whole: Sequence[Sent], data: bytes) -> None:
    """To h11 what goes on is what we read; and what the client sent was nothing else to it, as far as it reads it."""
    meanings: list[Any] = [(sent.head.method, sent.head.target, sent.body) for sent in whole]
    assert read_by_h11(b"".join(sent.wire for sent in whole)) == meanings
    for sent, theirs in zip(whole, read_by_h11(data), strict=False):
        target = sent.head.target if theirs[1].startswith((b"/", b"*")) else theirs[1]
        assert (sent.head.method, target, sent.body) == theirs
