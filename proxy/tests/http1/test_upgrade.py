"""Which upgrade may be asked for, which 101 grants it, and what the parsers do with the bytes behind."""

import base64
import hashlib

import pytest
from feeding import cuts, feed
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import RequestParser
from stranglerfig.http1.response_parser import ResponseParser
from stranglerfig.http1.upgrade import Upgrade, choose_upgrade

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455 section 1.3, and its answer
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
WEBSOCKET = Upgrade(b"websocket", ACCEPT)
ASKS = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n"


def request(lines: bytes, line: bytes = b"GET / HTTP/1.1") -> RequestHead:
    (head, *_) = RequestParser().feed(line + b"\r\nHost: a\r\n" + lines + b"\r\n")
    assert isinstance(head, RequestHead)
    return head


ASKED = {
    ASKS: WEBSOCKET,
    ASKS.replace(b"websocket\r", b"WebSocket\r"): Upgrade(b"WebSocket", ACCEPT),
    ASKS.replace(b"Connection: Upgrade", b"Connection: keep-alive, UPGRADE"): WEBSOCKET,
    ASKS.replace(b"websocket\r", b"h2c, websocket, x\r"): WEBSOCKET,
    ASKS + b"Upgrade: h2c\r\n": WEBSOCKET,
    ASKS + b"Content-Length: 0\r\n": WEBSOCKET,
    b"Connection: upgrade\r\nUpgrade: tcp, websocket\r\n": Upgrade(b"tcp", None),
    b"Connection: upgrade\r\nUpgrade: Chat/2\r\n": Upgrade(b"Chat/2", None),
    # who does not really ask, or may not
    b"Upgrade: tcp\r\n": None,
    b"Connection: upgrade\r\n": None,
    b"Connection: upgrade\r\nUpgrade: \r\n": None,
    b"Connection: x-upgrade\r\nUpgrade: tcp\r\n": None,
    b"Connection: upgrade, close\r\nUpgrade: tcp\r\n": None,
    b"Connection: upgrade\r\nUpgrade: chat\r\n": None,
    b"Connection: upgrade\r\nUpgrade: h2c, h2, HTTP/2.0, TLS/1.0\r\n": None,
    ASKS + b"Content-Length: 2\r\n": None,
    ASKS + b"Transfer-Encoding: chunked\r\n": None,
    ASKS.replace(b"Key: ", b"Keys: "): None,
    ASKS + b"Sec-WebSocket-Key: " + KEY + b"\r\n": None,
}


@pytest.mark.parametrize("lines", ASKED, ids=repr)
def test_what_a_request_asks_for(lines: bytes) -> None:
    allowed = ("websocket", "tcp", "chat/2", "http/2.0", "h2c", "")
    assert choose_upgrade(request(lines), allowed) == ASKED[lines]


@pytest.mark.parametrize("method", [b"POST", b"HEAD", b"OPTIONS"])
def test_a_websocket_is_asked_for_by_get(method: bytes) -> None:
    head = request(ASKS, method + b" / HTTP/1.1")
    assert choose_upgrade(head, ["websocket"]) is None
    others = b"Connection: upgrade\r\nUpgrade: tcp\r\n"
    head = request(others, method + b" / HTTP/1.1")
    assert (choose_upgrade(head, ["tcp"]) is None) is (method == b"HEAD")


def test_http_1_0_knows_no_upgrade() -> None:
    head = request(ASKS.replace(b"Upgrade\r", b"Upgrade, keep-alive\r", 1), b"GET / HTTP/1.0")
    assert choose_upgrade(head, ["websocket"]) is None


def test_an_upstream_that_allows_none_gets_none() -> None:
    assert choose_upgrade(request(ASKS), ()) is None


@given(st.binary(min_size=1).filter(lambda key: not set(key) & set(b"\r\n\x00")))
def test_the_answer_that_is_expected_is_the_one_that_a_server_computes(key: bytes) -> None:
    key = base64.b64encode(key)
    head = request(ASKS.replace(KEY, key))
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    expected = hashlib.sha1(key + guid, usedforsecurity=False).digest()
    upgrade = choose_upgrade(head, ["websocket"])
    assert upgrade is not None
    assert upgrade.accept == base64.b64encode(expected)


# Behind the request

BEHIND = LAST + b"\x81\x85any bytes\x00\r\n"


@pytest.mark.parametrize("pieces", cuts(b"GET / HTTP/1.1\r\nHost: a\r\n" + ASKS + b"\r\n" + BEHIND))
def test_what_comes_behind_is_held_unread_however_it_is_cut(pieces: list[bytes]) -> None:
    parser = RequestParser()
    (head,) = feed(parser, pieces)
    assert head["upgrade"] == (b"websocket",)
    assert parser.is_holding
    assert not parser.is_inside_head
    assert parser.take_held() == BEHIND
    assert not parser.is_holding


def test_what_was_held_is_read_if_there_was_no_upgrade() -> None:
    parser = RequestParser()
    asking = b"GET / HTTP/1.1\r\nHost: a\r\n" + ASKS + b"\r\n"
    assert len(parser.feed(LAST + asking + LAST + asking + LAST[:9])) == 2
    assert [event.target for event in parser.read_on()] == [b"/last", b"/"]
    assert parser.is_holding
    assert parser.read_on() == []
    assert parser.is_inside_head
    assert [event.target for event in parser.feed(LAST[9:])] == [b"/last"]


# The 101

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\n"
GRANT = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + ACCEPT + b"\r\n"


def answer(data: bytes, upgrade: Upgrade | None = WEBSOCKET) -> tuple[list, bytes]:
    """The events, and what came behind; the same however it is cut, but that a cut leaves what comes later to others."""
    found = []
    for cut in cuts(data):
        parser = ResponseParser()
        parser.begin(is_head=False, upgrade=upgrade)
        events, behind = [], b""
        for piece in cut:
            if parser.response is not None and parser.response.status == 101:
                behind += piece
            else:
                events += feed(parser, [piece])
                behind += parser.behind
                if events and isinstance(events[-1], Failure):
                    break
        found.append((events, behind))
    assert all(each == found[0] for each in found)
    return found[0]


@pytest.mark.parametrize(
    "behind", [b"", b"\x81\x05hello", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
)
def test_a_101_that_grants_ends_http(behind: bytes) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    (first, switched), rest = answer(hints + SWITCH + GRANT + b"\r\n" + behind)
    assert (first["status"], switched["status"], rest) == (103, 101, behind)
    assert switched["kept"] == [(b"Sec-WebSocket-Accept", ACCEPT)]


@pytest.mark.parametrize(
    "head",
    [
        SWITCH + GRANT.replace(b"websocket", b"WebSocket").replace(b": Upgrade", b": x, upgrade"),
        SWITCH + GRANT + b"Content-Length: 0\r\n",
        SWITCH + GRANT + b"Sec-WebSocket-Protocol: chat\r\n",
        SWITCH.replace(b"Switching Protocols", b"") + GRANT,
    ],
)
def test_the_other_spellings_of_it(head: bytes) -> None:
    events, _ = answer(head + b"\r\n")
    assert [event["status"] for event in events] == [101]


REFUSED = {
    "no Connection": SWITCH + GRANT.replace(b"Connection: Upgrade\r\n", b""),
    "another Connection": SWITCH + GRANT.replace(b": Upgrade", b": close"),
    "no Upgrade": SWITCH + GRANT.replace(b"Upgrade: websocket\r\n", b""),
    "another protocol": SWITCH + GRANT.replace(b"websocket", b"h2c"),
    "two protocols": SWITCH + GRANT.replace(b"websocket", b"websocket, x"),
    "two Upgrades": SWITCH + GRANT + b"Upgrade: h2c\r\n",
    "no proof": SWITCH + GRANT.replace(b"Sec-WebSocket-Accept", b"X"),
    "the proof of another key": SWITCH + GRANT.replace(b"s3pP", b"S3pP"),
    "two proofs": SWITCH + GRANT + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n",
    "HTTP/1.0": SWITCH.replace(b"1.1", b"1.0") + GRANT,
    "HTTP/2.0": SWITCH.replace(b"1.1", b"2.0") + GRANT,
    "a length": SWITCH + GRANT + b"Content-Length: 5\r\n",
    "chunks": SWITCH + GRANT + b"Transfer-Encoding: chunked\r\n",
    "a control character": SWITCH.replace(b"Sw", b"\x01") + GRANT,
}


@pytest.mark.parametrize("head", REFUSED.values(), ids=REFUSED)
def test_a_101_that_grants_something_else_is_unusable(head: bytes) -> None:
    events, _ = answer(head + b"\r\n")
    assert events == [Failure.BAD_RESPONSE]


def test_a_101_that_nobody_asked_for_is_unusable() -> None:
    events, _ = answer(SWITCH + GRANT + b"\r\n", None)
    assert events == [Failure.BAD_RESPONSE]


def test_a_parser_forgets_what_the_request_before_asked_for() -> None:
    parser = ResponseParser()
    parser.begin(is_head=False, upgrade=WEBSOCKET)
    assert len(feed(parser, [b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"])) == 2
    parser.begin(is_head=False)
    assert feed(parser, [SWITCH + GRANT + b"\r\n"]) == [Failure.BAD_RESPONSE]


def test_another_protocol_needs_no_proof() -> None:
    events, _ = answer(
        SWITCH + b"Connection: upgrade\r\nUpgrade: Chat/2\r\n\r\n", Upgrade(b"chat/2", None)
    )
    assert [event["status"] for event in events] == [101]
