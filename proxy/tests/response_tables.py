"""Answers as bytes, and what becomes of them: for the parser alone, and on real sockets."""

from typing import NamedTuple

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


class Outcome(NamedTuple):
    """What the client gets, by what it is counted, and what becomes of the upstream's connection."""

    status: int
    body: bytes | None
    """None: the client sees that it was cut."""
    error: str | None = None
    is_kept: bool = False
    is_poisoned: bool = False


unusable = Outcome(502, None, "bad_response")
cut = Outcome(200, None, "cut_response")
kept = Outcome(200, b"hello", is_kept=True)
ended = Outcome(200, b"hello")
poisoned = Outcome(200, b"hello", is_poisoned=True)

STATUS_LINES = {
    b"HTTP/1.1 200 OK": kept,
    b"HTTP/1.1 200 ": kept,
    b"HTTP/1.1 200": kept,
    b"HTTP/1.1 200 Fine \xe9\tnough": kept,
    b"HTTP/1.1 100 OK": unusable,
    b"HTTP/1.1 103 OK": unusable,
    b"HTTP/1.1 199 OK": unusable,
    b"HTTP/1.1 101 Switching Protocols": unusable,
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket": unusable,
    b"HTTP/1.1 099 OK": unusable,
    b"HTTP/1.1 000 OK": unusable,
    b"HTTP/1.1 600 OK": unusable,
    b"HTTP/1.1 999 OK": unusable,
    b"HTTP/1.1 20 OK": unusable,
    b"HTTP/1.1 2000 OK": unusable,
    b"HTTP/1.1 -20 OK": unusable,
    b"HTTP/1.1 2x0 OK": unusable,
    b"HTTP/1.1  200 OK": unusable,
    b"HTTP/1.1\t200 OK": unusable,
    b"HTTP/1.1 200\tOK": unusable,
    b"HTTP/1.1 200 O\x00K": unusable,
    b"HTTP/1.1 200 O\x1bK": unusable,
    b"HTTP/1.1 200 O\x7fK": unusable,
    b"HTTP/1.1 200 O\rK": unusable,
    b"HTTP/1.1 200 OK\n": unusable,
    b"HTTP/1.2 200 OK": unusable,
    b"HTTP/2.0 200 OK": unusable,
    b"HTTP/2 200 OK": unusable,
    b"HTTP/0.9 200 OK": unusable,
    b"HTTP/1.10 200 OK": unusable,
    b"http/1.1 200 OK": unusable,
    b"RTSP/1.0 200 OK": unusable,
    b"ICE/1.0 200 OK": unusable,
    b"ICY 200 OK": unusable,
    b"SSH-2.0-OpenSSH": unusable,
    b"\x15\x03\x03\x00\x02\x02\x46": unusable,
    b" HTTP/1.1 200 OK": unusable,
    b"\r\nHTTP/1.1 200 OK": unusable,
    b"GET / HTTP/1.1": unusable,
    b"<html>hello</html>": unusable,
    # HTTP/1.0 keeps a connection only if it says so.
    b"HTTP/1.0 200 OK": ended,
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive": kept,
    b"HTTP/1.1 200 OK\r\nConnection: close": ended,
    # An interim answer that ends the connection can't be followed by the final one.
    b"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK": unusable,
    b"HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK": unusable,
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK": kept,
    b"HTTP/1.1 150 Unheard Of\r\n\r\nHTTP/1.1 200 OK": kept,
    b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK": kept,
    b"HTTP/1.1 103 Early Hints\r\n\r\nRTSP/1.1 200 OK": unusable,
    b"HTTP/1.1 103 Early Hints\r\n\r\nICE/1.1 200 OK": unusable,
    b"HTTP/1.1 103 Early Hints\r\n\r\nRTSP/1.1 103 OK\r\n\r\nHTTP/1.1 200 OK": unusable,
    b"HTTP/1.1 103 Early Hints\r\n\r\n\r\nHTTP/1.1 200 OK": unusable,
}

# Header lines of an answer whose body is "hello", in chunks where Transfer-Encoding is named.
HEADERS = {
    b"Content-Length: 5": kept,
    b"Content-Length: \t5 \t": kept,
    b"Content-Length: 05": kept,
    b"Content-Length: " + b"0" * 5000 + b"5": kept,
    b"Content-Length: 5\r\nConnection: content-length": kept,
    b"Content-Length: 5\r\nConnection: upgrade\r\nUpgrade: h2c": kept,
    b"Content-Length: 5\r\nContent-Length: 5": unusable,
    b"Content-Length: 5\r\nContent-Length: 6": unusable,
    b"Content-Length: 5, 5": unusable,
    b"Content-Length: +5": unusable,
    b"Content-Length: -5": unusable,
    b"Content-Length: 0x5": unusable,
    b"Content-Length: 5 5": unusable,
    b"Content-Length: \xb2": unusable,
    b"Content-Length:": unusable,
    b"Content-Length : 5": unusable,
    b"Content-Length: 9223372036854775808": unusable,
    b"Content-Length: 99999999999999999999": unusable,
    b"Content-Length: " + b"9" * 5000: unusable,
    b"Transfer-Encoding: chunked": kept,
    b"transfer-encoding: CHUNKED ": kept,
    b"Transfer-Encoding: chunked\r\nContent-Length: 5": unusable,
    b"Content-Length: 5\r\nTransfer-Encoding: chunked": unusable,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked": unusable,
    b"Transfer-Encoding: chunked, chunked": unusable,
    b"Transfer-Encoding: gzip": unusable,
    b"Transfer-Encoding: gzip, chunked": unusable,
    b"Transfer-Encoding: chunked, gzip": unusable,
    b"Transfer-Encoding: identity": unusable,
    b"Transfer-Encoding: xchunked": unusable,
    b"Transfer-Encoding: chunked\t": unusable,
    b"Transfer-Encoding: chunked;a=b": unusable,
    b"Transfer-Encoding:": unusable,
    b"Transfer-Encoding : chunked": unusable,
    b"Content-Length: 5\r\nX: a\r\n b": unusable,
    b"Content-Length: 5\r\nX: a\nY: b": unusable,
    b"Content-Length: 5\r\nX: a\rb": unusable,
    b"Content-Length: 5\r\nX: a\x00": unusable,
    b"Content-Length: 5\r\nX : a": unusable,
    b"Content-Length: 5\r\nX Y: a": unusable,
    b"Content-Length: 5\r\n: a": unusable,
    b"Content-Length: 5\r\nX": unusable,
    b"X: " + b"y" * 300_000 + b"\r\nContent-Length: 5": unusable,
}

# What comes behind the head of an answer in chunks.
CHUNKS = {
    HELLO: kept,
    b"2\r\nhe\r\n03;a=b\r\nllo\r\n00\r\n\r\n": kept,
    b"5\r\nhello\r\n0\r\nX-Trailer: dropped\r\n\r\n": kept,
    b"5\r\nhello\r\n0\r\nConnection: close\r\n\r\n": ended,
    HELLO + b"x": poisoned,
    HELLO + HELLO: poisoned,
    HELLO + b"HTTP/1.1 200 OK\r\nTransfer-Encoding: other\r\n\r\n": poisoned,
    HELLO + b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n": poisoned,
    HELLO + OK: poisoned,
    b"5\nhello\r\n0\r\n\r\n": cut,
    b"5 \r\nhello\r\n0\r\n\r\n": cut,
    b"+5\r\nhello\r\n0\r\n\r\n": cut,
    b"-5\r\nhello\r\n0\r\n\r\n": cut,
    b"0x5\r\nhello\r\n0\r\n\r\n": cut,
    b"f" * 17 + b"\r\nhello": cut,
    b"5;\nhello\r\n0\r\n\r\n": cut,
    b"5\r\nhello\n0\r\n\r\n": cut,
    b"5\r\nhelloXX0\r\n\r\n": cut,
    b"4\r\nhello\r\n0\r\n\r\n": cut,
    b"5\r\nhello\r\n0\n\n": cut,
    b"5\r\nhello\r\n0\r\nX : y\r\n\r\n": cut,
    b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n": cut,
    b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n": cut,
    b"5\r\nhello\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n": cut,
    b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n": cut,
    b"5\r\nhello\r\n0\r\nX: " + b"y" * 300_000 + b"\r\n\r\n": cut,
}
