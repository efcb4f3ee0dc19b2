"""Bytes of a client connection -> request heads, pieces of bodies, ends. One parser per connection.

llhttp does the grammar. This adds what a proxy needs: bounded memory, our checks of the head, and silence after the first
refusal: nothing that follows a refused request is read.

Behind a request for an upgrade that may be let through, the parser *holds* what comes, unread: whether it is of another
protocol or the next request is known when that one is answered. Any other request for an upgrade is an ordinary one.
"""

from enum import Enum
from typing import Final

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserInvalidURLError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from stranglerfig.http1.failure import ClientError, Failure
from stranglerfig.http1.headers import Header, Meaning, meaning_of
from stranglerfig.http1.request_head import RequestHead, read_request_head
from stranglerfig.http1.request_line import END_OF_HEAD, METHODS, find_rtsp, is_rtsp

MAX_HEAD_BYTES: Final = 64 * 1024  # as Apache and Envoy; nginx allows 32 KiB
MAX_FIELDS: Final = 1000  # Apache and Envoy allow 100, less than some monolith may
_LINE_OVERHEAD: Final = 4  # ": " and CRLF
_OBEYED_IN_TRAILERS: Final = (Meaning.CONNECTION, Meaning.PROXY_CONNECTION)  # by llhttp


class End(Enum):
    """The end of a message."""

    END = "end"


END: Final = End.END

RequestEvent = RequestHead | bytes | End | ClientError
"""What ``feed`` gives; ``END`` only after a head that announced a body. ``ClientError`` is a value here: what came before it is still to be served."""


class _ReadEnoughError(Exception):
    """A request begins behind one that ends the connection."""


class HeadLimits:
    """How large heads may be. Changed in place, it holds for the next head of every parser that was given it."""

    __slots__ = ("fields", "size")

    def __init__(self, size: int = MAX_HEAD_BYTES, fields: int = MAX_FIELDS) -> None:
        self.size = size
        """Bytes of target and headers."""
        self.fields = fields
        """How many headers."""


_DEFAULT_LIMITS: Final = HeadLimits()


class RequestParser:
    """Turns bytes into events; the same events however the bytes are cut."""

    __slots__ = (
        "_before",
        "_body_left",
        "_data",
        "_events",
        "_fed",
        "_head",
        "_head_text",
        "_headers",
        "_held",
        "_in_head",
        "_is_deaf",
        "_is_let_off",
        "_limits",
        "_parser",
        "_pieces",
        "_silent_bytes",
        "_target",
        "_trailer_bytes",
    )

    def __init__(self, limits: HeadLimits = _DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self._events: list[RequestEvent] = []
        self._headers: list[Header] = []
        self._target: list[bytes] = []
        self._pieces: list[bytes] = []
        self._head: RequestHead | None = None
        self._in_head = False
        self._is_let_off = False
        self._data = b""  # what is being read
        self._head_text = b""  # what ends with the head that is read; empty if it can't be RTSP's
        self._before = b""  # what was read before of the head that is being read
        self._fed = 0  # bytes that may belong to the head: those fed since it began
        self._silent_bytes = 0  # bytes of a body that gave no data: chunk extensions and trailers
        self._trailer_bytes = 0
        self._body_left = 0  # as Content-Length has it
        self._is_deaf = False
        self._held: bytes | None = None

    @property
    def is_holding(self) -> bool:
        """Whether nothing is read until ``read_on`` or ``take_held`` is called, for an upgrade was asked for."""
        return self._held is not None

    def read_on(self) -> list[RequestEvent]:
        """Read what was held: there was no upgrade."""
        return self.feed(self.take_held())

    def take_held(self) -> bytes:
        """Give what was held."""
        held, self._held = self._held or b"", None
        self._is_deaf = False
        return held

    @property
    def is_inside_head(self) -> bool:
        """Whether a request has begun whose head is not whole."""
        return self._in_head

    def feed(self, data: bytes) -> list[RequestEvent]:
        """Read ``data``. After a ``ClientError``, and after a request that ends the connection, nothing is read.

        While the parser is holding, ``data`` is held too: bounding it is the caller's business.
        """
        events: list[RequestEvent] = []
        if self._is_deaf or not data:
            if self._held is not None:
                self._held += data
            return events
        self._events = events
        was_in_head = self._in_head
        was_in_body = self._head is not None
        self._fed = self._fed + len(data) if was_in_head else len(data)
        self._data = data
        refused = self._execute(data)
        if self._pieces:
            self._end_piece()
        if refused is not None:
            self._refuse(refused)
        elif self._in_head:
            self._before += self._behind_bodies()
            self._check_unfinished_head(is_all_head=not events and not was_in_body)
        elif was_in_body and not events:
            self._silent_bytes += len(data)
            if self._silent_bytes > MAX_HEAD_BYTES:
                self._refuse(
                    ClientError(Failure.BAD_BODY, "chunk extensions or trailers too large")
                )
        self._data = b""  # an idle connection holds nothing
        return events

    def _behind_bodies(self) -> bytes:
        """Give what is being read without the bodies that ended in it, as far as they are found in one piece."""
        start = 0
        for event in self._events:
            if isinstance(event, bytes):
                # The first place is never behind the true one, so nothing of the head is lost.
                found = self._data.find(event, start)
                start = max(start, found) + len(event)
        return self._data[start:]

    def close(self) -> None:
        """Let go of llhttp, which holds this object in a cycle."""
        self._is_deaf = True
        self._held = None
        self._parser = None

    def _check_unfinished_head(self, *, is_all_head: bool) -> None:
        """Bound what llhttp may gather of a head. Where it began inside a read is not known; that one is let off."""
        if not is_all_head:
            self._fed = 0
            self._is_let_off = True
        elif self._fed > self._limits.size + _LINE_OVERHEAD:
            self._refuse(ClientError(Failure.HEAD_TOO_LARGE))

    def _execute(self, data: bytes) -> ClientError | None:
        text = self._before + data
        begin, at = 0, len(self._before)
        while at < len(text) and not self._is_deaf:
            assert self._parser is not None
            stop = self._stop(text, begin, at)
            try:
                self._parser.feed_data(text[at:stop])
                begin = at = stop
            except HttpParserUpgrade as upgrade:
                # llhttp stops after the head of a request that asks for an upgrade, and its parser is of no more use.
                begin = at = at + upgrade.args[0]
                head = self._upgrade_head()
                self._parser = HttpRequestParser(self)
                if head is not None and head.upgrade:
                    self._held = text[at:]
                    self._is_deaf = True
                    return None
                self._read_on_after_upgrade(head)
            except HttpParserCallbackError as error:
                if isinstance(error.__context__, _ReadEnoughError):
                    return None
                if isinstance(error.__context__, ClientError):
                    return error.__context__
                raise
            except HttpParserError as error:
                return self._explain(error)
        return None

    def _stop(self, text: bytes, begin: int, at: int) -> int:
        """Say how far ``text`` is read next from ``at``: to its end, but where RTSP is named head by head.

        A head that may be RTSP's is the last thing that is read, so that its first line can be counted from its end. ``begin``
        is where it begins at the earliest. Each byte is looked at a bounded number of times: strangers choose them.
        """
        self._head_text = b""
        if self._head is not None and len(text) - at <= self._body_left:
            return len(text)
        named = find_rtsp(text, begin)
        if named < 0:
            return len(text)
        first = max(at - len(END_OF_HEAD) + 1, begin)  # where an end that is not read yet may begin
        last = text.rfind(END_OF_HEAD, first, named)
        if last >= 0:
            return last + len(END_OF_HEAD)  # whatever ends up to here does not name it
        end = text.find(END_OF_HEAD, first)
        stop = len(text) if end < 0 else end + len(END_OF_HEAD)
        self._head_text = text[begin:stop]
        return stop

    def _read_on_after_upgrade(self, head: RequestHead | None) -> None:
        """Let the fresh parser know the framing of a request that is an ordinary one, since ``Upgrade`` is dropped."""
        if head is None or not head.has_body:
            return
        assert self._parser is not None
        framing = (
            b"Transfer-Encoding: chunked"
            if head.is_chunked
            else b"Content-Length: %d" % (head.content_length or 0)
        )
        events, self._events = self._events, []
        data, self._data = self._data, b"POST / HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n"
        self._parser.feed_data(self._data)
        self._events, self._data = events, data
        self._head = head
        self._body_left = head.content_length or 0

    def _upgrade_head(self) -> RequestHead | None:
        """Give the head that asked for an upgrade; its end, reported before its body, is taken back."""
        for index in range(len(self._events) - 1, -1, -1):
            event = self._events[index]
            if isinstance(event, RequestHead):
                if event.has_body and self._events[index + 1 :] == [END]:
                    del self._events[index + 1 :]
                    self._is_deaf = False
                return event
        return None

    def _explain(self, error: HttpParserError) -> ClientError | None:
        if self._is_deaf:
            return None  # bytes after a request with `Connection: close` are nobody's
        text = str(error)
        if self._head is not None:
            return ClientError(Failure.BAD_BODY, text)
        if isinstance(error, HttpParserInvalidMethodError) or text.startswith("Invalid method"):
            return ClientError(Failure.BAD_METHOD, text)
        if isinstance(error, HttpParserInvalidURLError):
            return ClientError(Failure.BAD_TARGET, text)
        if "HTTP version" in text:
            return ClientError(Failure.BAD_VERSION, text)
        if "Content-Length overflow" in text:
            return ClientError(Failure.BODY_TOO_LARGE, text)
        if "Content-Length" in text or "Transfer-Encoding" in text:
            return ClientError(Failure.BAD_FRAMING, text)
        return ClientError(Failure.MALFORMED_HEAD, text)

    def _refuse(self, refused: ClientError) -> None:
        self._events.append(refused)
        self._before = b""
        self._is_deaf = True
        self._in_head = False

    def _end_piece(self) -> None:
        pieces = self._pieces
        self._events.append(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        self._pieces = []
        self._silent_bytes = 0

    # What llhttp calls while it reads.

    def on_url(self, part: bytes) -> None:
        self._target.append(part)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            self._headers.append((name, value))
            return
        if meaning_of(name) in _OBEYED_IN_TRAILERS:
            # llhttp would take what follows for bytes behind the last request.
            raise ClientError(Failure.BAD_BODY, "Connection in a trailer")
        self._trailer_bytes += len(name) + len(value) + _LINE_OVERHEAD
        if self._trailer_bytes > MAX_HEAD_BYTES:
            raise ClientError(Failure.BAD_BODY, "trailers too large")

    def on_headers_complete(self) -> None:
        parser = self._parser
        assert parser is not None
        headers, self._headers = self._headers, []
        target = b"".join(self._target)
        self._target = []
        limits = self._limits
        if self._is_let_off or self._fed > limits.size:
            self._is_let_off = False
            if _size(target, headers) > limits.size:
                raise ClientError(Failure.HEAD_TOO_LARGE)
        if len(headers) > limits.fields:
            raise ClientError(Failure.TOO_MANY_HEADERS)
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise ClientError(Failure.BAD_VERSION, version)
        method = parser.get_method().decode("ascii")
        if method not in METHODS:
            raise ClientError(Failure.BAD_METHOD, method)
        end = len(method) + 1 + len(target)
        # Nearly always the read began with this very line; where it did not, the line is searched for.
        if self._events or self._before or self._data[end : end + 6] != b" HTTP/":
            if self._head_text and is_rtsp(self._head_text, len(headers)):
                raise ClientError(Failure.BAD_VERSION, "RTSP")
            self._before = b""
        head = read_request_head(method, target, headers, is_http_1_0=version == "1.0")
        if head.upgrade and not parser.should_upgrade():
            head.upgrade = ()  # llhttp reads on behind it
        self._head = head
        self._body_left = head.content_length or 0
        self._in_head = False
        self._silent_bytes = self._trailer_bytes = 0
        self._events.append(head)

    def on_body(self, data: bytes) -> None:
        self._body_left -= len(data)
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        if self._pieces:
            self._end_piece()
        head, self._head = self._head, None
        assert head is not None
        if head.has_body:
            self._events.append(END)
        if not head.keep_alive:
            self._is_deaf = True

    def on_message_begin(self) -> None:
        if self._is_deaf:
            # llhttp keeps the connection of an HTTP/1.0 client that says both close and keep-alive.
            raise _ReadEnoughError
        self._in_head = True


def _size(target: bytes, headers: list[Header]) -> int:
    return len(target) + sum(len(name) + len(value) + _LINE_OVERHEAD for name, value in headers)
