"""HTTP/1.1 read by the letter of RFC 9112, sharing nothing with the proxy or with llhttp: a second opinion.

What may be read in two ways is refused here. So whatever the proxy lets through must be found here too, and mean the same.
It is slow and holds all in memory.
"""

import re
from dataclasses import dataclass, field
from enum import Enum

Header = tuple[bytes, bytes]

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# Section 3 allows to read several spaces as one; target: visible ASCII.
_REQUEST_LINE = re.compile(rb"(%b) +([\x21-\x7e]+) +HTTP/1\.([01])" % TOKEN)
# Section 4, but the space behind the status may be missing, as many servers have it.
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_HEADER = re.compile(rb"(%b):([\t\x20-\x7e\x80-\xff]*)" % TOKEN)
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]+)(;[\t\x20-\x7e\x80-\xff]*)?")
_FRAMING = (b"content-length", b"transfer-encoding")


class State(Enum):
    """What is behind the messages that were read."""

    BETWEEN = "between"  # nothing
    HEAD = "head"  # the beginning of a head
    BODY = "body"  # a head without the end of its body: ``open``
    REFUSED = "refused"  # what is no message
    ENDED = "ended"  # the last message ends the connection; ``rest`` is nobody's


@dataclass
class Message:
    """One request or answer. ``start`` is method and target, or status and reason."""

    start: tuple[bytes, bytes]
    is_http_1_0: bool
    headers: list[Header]
    body: bytes = b""
    is_chunked: bool = False
    length: int | None = None

    def values(self, lower_name: bytes) -> list[bytes]:
        """The values of a header."""
        return [value for name, value in self.headers if name.lower() == lower_name]

    @property
    def options(self) -> set[bytes]:
        """What Connection says, in lower case."""
        said = b",".join(self.values(b"connection"))
        return {option.strip(b" \t").lower() for option in said.split(b",")} - {b""}

    @property
    def keeps_alive(self) -> bool:
        """Whether another message may follow (section 9.3)."""
        if b"close" in self.options:
            return False
        return not self.is_http_1_0 or b"keep-alive" in self.options


@dataclass
class Reading:
    """What a stream of bytes is."""

    messages: list[Message] = field(default_factory=list)
    state: State = State.BETWEEN
    open: Message | None = None
    rest: bytes = b""


class _RefusedError(Exception):
    pass


class _UnfinishedError(Exception):
    pass


def read_requests(data: bytes) -> Reading:
    """All requests in ``data``."""
    reading = Reading(rest=data)
    while True:
        # Section 2.2 has empty lines before a request read past; llhttp does so with halves of them too. They are no
        # part of any request, so nothing else is read for them.
        reading.rest = reading.rest.lstrip(b"\r\n")
        if not reading.rest:
            return reading
        reading.open = None
        try:
            start, headers, rest = _head(reading.rest, _REQUEST_LINE)
            method, target, minor = start
            message = Message((method, target), minor == b"0", headers)
            _frame(message)
            if len(message.values(b"host")) != 1 and not message.is_http_1_0:
                raise _RefusedError
            reading.open = message
            if not message.is_chunked:
                message.length = message.length or 0
            reading.rest = _body(message, rest)
        except (_RefusedError, _UnfinishedError) as error:
            return _stopped(reading, error)
        reading.open = None
        reading.messages.append(message)
        if not message.keeps_alive:
            reading.state = State.ENDED
            return reading


def read_answer(data: bytes, *, is_head: bool, is_whole: bool = True) -> Reading:
    """The interim answers and the final one to a request; ``is_whole`` if the connection ended behind ``data``.

    Behind the final answer the state is BETWEEN or, if the connection carries no other, ENDED. ``rest`` follows it.
    """
    reading = Reading(rest=data)
    while True:
        reading.open = None
        try:
            start, headers, rest = _head(reading.rest, _STATUS_LINE)
            minor, status, reason = start
            message = Message((status, reason or b""), minor == b"0", headers)
            _frame(message)
            is_interim = status.startswith(b"1")
            if is_interim and (status == b"101" or message.is_chunked or message.length):
                raise _RefusedError
            if is_head or is_interim or status in (b"204", b"304"):
                message.is_chunked, message.length = False, 0
            reading.open = message
            is_close_delimited = not message.is_chunked and message.length is None
            if is_close_delimited:
                message.body = rest
                reading.rest = b""
                if not is_whole:
                    raise _UnfinishedError
            else:
                reading.rest = _body(message, rest)
        except (_RefusedError, _UnfinishedError) as error:
            return _stopped(reading, error)
        reading.open = None
        reading.messages.append(message)
        if not is_interim:
            keeps = message.keeps_alive and not is_close_delimited
            reading.state = State.BETWEEN if keeps else State.ENDED
            return reading
        if not message.keeps_alive:
            reading.state = State.REFUSED  # the final answer can't come any more
            return reading


def _stopped(reading: Reading, error: Exception) -> Reading:
    if isinstance(error, _RefusedError):
        reading.state = State.REFUSED
    else:
        reading.state = State.HEAD if reading.open is None else State.BODY
    return reading


def _line(data: bytes) -> tuple[bytes, bytes]:
    """The first line, and what follows it."""
    line, end, rest = data.partition(b"\r\n")
    if b"\r" in line[:-1] or b"\n" in line or b"\0" in line or (end and b"\r" in line):
        raise _RefusedError
    if not end:
        raise _UnfinishedError
    return line, rest


def _head(
    data: bytes, start_line: re.Pattern[bytes]
) -> tuple[tuple[bytes, ...], list[Header], bytes]:
    line, rest = _line(data)
    start = start_line.fullmatch(line)
    if start is None:
        raise _RefusedError
    headers, rest = _header_lines(rest)
    return start.groups(), headers, rest


def _header_lines(data: bytes) -> tuple[list[Header], bytes]:
    headers: list[Header] = []
    while True:
        line, data = _line(data)
        if not line:
            return headers, data
        header = _HEADER.fullmatch(line)
        if header is None:
            raise _RefusedError
        headers.append((header[1], header[2].strip(b" \t")))


def _frame(message: Message) -> None:
    """Section 6.3: one length, or one coding, or none."""
    lengths, codings = (message.values(name) for name in _FRAMING)
    if len(lengths) + len(codings) > 1:
        raise _RefusedError
    if codings:
        if codings[0].lower() != b"chunked" or message.is_http_1_0:
            raise _RefusedError
        message.is_chunked = True
    if lengths:
        if not re.fullmatch(rb"[0-9]+", lengths[0]) or len(lengths[0].lstrip(b"0")) > 19:
            raise _RefusedError
        message.length = int(lengths[0].lstrip(b"0") or b"0")


def _body(message: Message, data: bytes) -> bytes:
    """Read the body; gives what is behind it."""
    if not message.is_chunked:
        length = message.length or 0
        message.body, rest = data[:length], data[length:]
        if len(message.body) < length:
            raise _UnfinishedError
        return rest
    while True:
        line, data = _line(data)
        size_line = _CHUNK_LINE.fullmatch(line)
        if size_line is None or len(size_line[1].lstrip(b"0")) > 16:
            raise _RefusedError
        size = int(size_line[1], 16)
        if size == 0:
            trailers, data = _header_lines(data)
            if any(name.lower() in _FRAMING for name, _ in trailers):
                raise _RefusedError
            return data
        message.body += data[:size]
        if not b"\r\n".startswith(data[size : size + 2]):
            raise _RefusedError
        if len(data) < size + 2:
            raise _UnfinishedError
        data = data[size + 2 :]
