"""Bytes of an upstream connection -> answer heads, pieces of bodies, ends. One parser per connection.

llhttp's response parser does not know that the request was a HEAD: it would wait for the announced body and eat the
next answer as it. So an answer to HEAD is cut at the end of its head, and llhttp sees nothing else.

Bytes beyond an answer's end make the connection *poisoned*: it must not carry another request.

Behind a 101 that was asked for, and grants just that, the connection is HTTP no longer: what came with it is ``behind``.

llhttp reads RTSP and ICE too, statuses of any three digits, control characters in the reason, bodies behind some interim
answers, and chunks in HTTP/1.0. Those are refused here.
"""

import re
from collections.abc import Sequence
from typing import Final

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpResponseParser,
)

from stranglerfig.http1.failure import Failure, UpstreamError
from stranglerfig.http1.headers import Header, Meaning, meaning_of
from stranglerfig.http1.request_parser import END, End
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.upgrade import SWITCHING, Upgrade, find_fault

MAX_RESPONSE_HEAD_BYTES: Final = 256 * 1024  # many Set-Cookie; the point is that it is bounded

_PROTOCOL: Final = b"HTTP/"
_STATUS_AT: Final = len(b"HTTP/1.1 ")
_STATUS_END: Final = _STATUS_AT + 1  # of its first digit
_END_OF_HEAD: Final = b"\r\n\r\n"
_CONTROL: Final = re.compile(
    rb"[\x00-\x08\x0a-\x1f\x7f]"
)  # RFC 9112 section 4: none in a reason but the tab

ResponseEvent = ResponseHead | bytes | End


class ResponseParser:
    """Turns bytes into events; the same events however the bytes are cut."""

    __slots__ = (
        "_beginning",
        "_events",
        "_fed",
        "_headers",
        "_is_close_delimited",
        "_is_head",
        "_parser",
        "_pieces",
        "_reason",
        "_tail",
        "_trailer_bytes",
        "_upgrade",
        "behind",
        "is_done",
        "is_poisoned",
        "may_reuse",
        "response",
    )

    def __init__(self) -> None:
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._events: list[ResponseEvent] = []
        self._headers: list[Header] = []
        self._reason: list[bytes] = []
        self._pieces: list[bytes] = []
        self._beginning = b""
        self._tail = b""
        self._fed = 0
        self._trailer_bytes = 0
        self._is_head = False
        self._is_close_delimited = False
        self._upgrade: Upgrade | None = None
        self.behind = b""
        """What came with a 101, behind its head: of the other protocol."""
        self.response: ResponseHead | None = None
        """The final head, or the 101, once it was read."""
        self.is_done = True
        """Whether the answer was read to its end."""
        self.may_reuse = False
        """Whether, after the end, the connection can carry another request."""
        self.is_poisoned = False
        """Whether bytes came behind the end of an answer."""

    def begin(self, *, is_head: bool, upgrade: Upgrade | None = None) -> None:
        """Expect the answer to a request just sent; ``is_head`` if its method was HEAD, ``upgrade`` if it asked for one.

        After a 101 nothing more may be fed.
        """
        self._upgrade = upgrade
        self.response = None
        self.is_done = False
        self.may_reuse = False
        self._is_head = is_head
        self._is_close_delimited = False
        self._fed = 0
        self._trailer_bytes = 0
        self._beginning = b""
        self._tail = b""

    def feed(self, data: bytes) -> Sequence[ResponseEvent]:
        """Read ``data``. Raises ``UpstreamError`` for what is no answer; events before it are in ``pending``."""
        events = self._events = []
        if self.is_done:
            self._poison()
            return events
        try:
            if self.response is None:
                self._feed_heads(data)
            else:
                self._execute(data)
        finally:
            if self._pieces:
                self._end_piece()
        if self.response is None and self._fed > MAX_RESPONSE_HEAD_BYTES:
            raise UpstreamError(Failure.BAD_RESPONSE, "the head is too large")
        return events

    @property
    def pending(self) -> Sequence[ResponseEvent]:
        """The events of the last ``feed``, also of one that raised."""
        return self._events

    def eof(self) -> Sequence[ResponseEvent]:
        """Take the end of the connection. Raises ``UpstreamError`` if the answer was not whole."""
        self._events = []
        self.may_reuse = False
        if self.is_done:
            return []
        if self.response is None:
            raise UpstreamError(Failure.CLOSED_EARLY)
        if not self._is_close_delimited:
            raise UpstreamError(Failure.CUT_RESPONSE)
        self.is_done = True
        return [END]

    def close(self) -> None:
        """Let go of llhttp, which holds this object in a cycle."""
        self._parser = None

    def _execute(self, data: bytes) -> None:
        parser = self._parser
        assert parser is not None
        try:
            parser.feed_data(data)
        except HttpParserCallbackError as error:
            if isinstance(error.__context__, UpstreamError):
                raise error.__context__ from None
            raise
        except HttpParserError as error:
            if self.is_done:
                self._poison()  # what followed the answer was no answer
                return
            failure = Failure.BAD_RESPONSE if self.response is None else Failure.CUT_RESPONSE
            raise UpstreamError(failure, str(error)) from None
        except HttpParserUpgrade:
            if self.is_done:
                self._poison()
                return
            # llhttp stops behind the head of a 101: its last event.
            (*_, switched) = self._events
            assert isinstance(switched, ResponseHead)
            self.response = switched

    def _feed_heads(self, data: bytes) -> None:
        """Give llhttp one head at a time: interim ones, then the final one, and behind that of HEAD not a byte."""
        is_first = not self._fed
        self._fed += len(data)
        if is_first and not self._is_head and _is_final(data):
            # Nearly always: there is no interim head, so it does not matter where this one ends.
            self._beginning = _PROTOCOL
            self._execute(data)
            return
        rest = data
        while rest and self.response is None:
            self._check_beginning(rest)
            seen = self._tail + rest  # the end of a head may be cut
            end = seen.find(_END_OF_HEAD)
            stop = len(rest)
            if end < 0:
                self._tail = seen[-3:]
            else:
                stop = end + len(_END_OF_HEAD) - len(self._tail)
                self._beginning = self._tail = b""
            self._execute(rest[:stop])
            rest = rest[stop:]
        if self.response is not None and self.response.status == SWITCHING:
            self.behind = rest
        elif rest and not self._is_head:
            self._execute(rest)

    def _check_beginning(self, data: bytes) -> None:
        """Refuse a head that does not begin as HTTP."""
        if self._beginning == _PROTOCOL:
            return
        beginning = self._beginning = (self._beginning + data)[: len(_PROTOCOL)]
        if not _PROTOCOL.startswith(beginning):
            raise UpstreamError(Failure.BAD_RESPONSE, "not HTTP")

    def _poison(self) -> None:
        self.may_reuse = False
        self.is_poisoned = True

    def _end_piece(self) -> None:
        pieces = self._pieces
        self._events.append(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        self._pieces = []

    # What llhttp calls while it reads.

    def on_message_begin(self) -> None:
        if self.is_done:
            self._poison()

    def on_status(self, part: bytes) -> None:
        self._reason.append(part)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.response is None:
            self._headers.append((name, value))
            return
        if self.is_done:
            return  # of what came behind the answer, which poisons the connection and can't cut the answer
        if meaning_of(name) is Meaning.TRANSFER_ENCODING:
            # llhttp refuses a length here, and this only in requests.
            raise UpstreamError(Failure.CUT_RESPONSE, "Transfer-Encoding in a trailer")
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_bytes > MAX_RESPONSE_HEAD_BYTES:
            raise UpstreamError(Failure.CUT_RESPONSE, "trailers too large")

    def on_headers_complete(self) -> None:
        parser = self._parser
        assert parser is not None
        if self.is_done:
            return
        headers, self._headers = self._headers, []
        reason = b"".join(self._reason)
        self._reason = []
        status = parser.get_status_code()
        version = parser.get_http_version()
        if not (reason == b"OK" and version == "1.1" and 200 <= status <= 599):
            _check_line(status, reason, version, may_switch=self._upgrade is not None)
        if self._fed > MAX_RESPONSE_HEAD_BYTES and _size(headers) > MAX_RESPONSE_HEAD_BYTES:
            raise UpstreamError(Failure.BAD_RESPONSE, "the head is too large")
        head = ResponseHead(status, reason, headers)
        if head.is_chunked and version == "1.0":
            # RFC 9112 section 6.1: the framing is faulty.
            raise UpstreamError(Failure.BAD_RESPONSE, "Transfer-Encoding in HTTP/1.0")
        if head.is_interim and (head.content_length or head.is_chunked):
            # llhttp reads the body of some of them; its bytes would reach the client unframed.
            raise UpstreamError(Failure.BAD_RESPONSE, "an interim answer with a body")
        if status == SWITCHING:
            self._check_switch(head, version)
        self._events.append(head)
        if head.is_interim:
            return
        self.response = head
        if self._is_head:
            # The connection is not used again: an upstream that wrongly sends the body, however late, would
            # answer the next request with it.
            self.is_done = True
            self._events.append(END)
            return
        self._is_close_delimited = (
            not head.is_chunked
            and head.content_length is None
            and not head.is_bodiless(is_head=False)
        )

    def _check_switch(self, head: ResponseHead, version: str) -> None:
        """Refuse a 101 that does not grant what was asked for."""
        assert self._upgrade is not None
        assert self._parser is not None
        fault = find_fault(self._upgrade, head)
        if fault is None and (version != "1.1" or not self._parser.should_upgrade()):
            fault = "101 in HTTP/1.0"
        if fault is not None:
            raise UpstreamError(Failure.BAD_RESPONSE, fault)

    def on_body(self, data: bytes) -> None:
        if not self.is_done:
            self._pieces.append(data)

    def on_message_complete(self) -> None:
        if self.is_done or self.response is None:
            return  # the end of an interim answer, or of what poisoned the connection
        if self._pieces:
            self._end_piece()
        assert self._parser is not None
        self.may_reuse = self._parser.should_keep_alive()
        self.is_done = True
        self._events.append(END)


def _is_final(data: bytes) -> bool:
    """Whether an answer that begins with ``data`` is HTTP and no interim one; False if that can't be told yet."""
    return data.startswith(_PROTOCOL) and data[_STATUS_AT:_STATUS_END] > b"1"


def _size(headers: Sequence[Header]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


def _check_line(status: int, reason: bytes, version: str, *, may_switch: bool) -> None:
    """Refuse a bad status line."""
    fault = None
    if version not in ("1.1", "1.0"):
        fault = "not HTTP/1.1 or HTTP/1.0"
    elif not 100 <= status <= 599:
        fault = "a status below 100 or above 599"
    elif status == SWITCHING and not may_switch:
        fault = "101 to a request that asked for no upgrade"
    elif _CONTROL.search(reason):
        fault = "a control character in the reason"
    if fault is not None:
        raise UpstreamError(Failure.BAD_RESPONSE, fault)
