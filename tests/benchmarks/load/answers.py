"""Reads the answers of one connection and compares them with what is expected, byte by byte."""

import re
import socket

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)\r\n")
_CLOSE = re.compile(rb"\r\n[Cc]onnection: *close\r\n", re.IGNORECASE)
_MOST_HEAD = 64 * 1024
_READ = 1024 * 1024


class Unexpected(Exception):  # noqa: N818
    """An answer is not what it must be; the text says in what."""


class Answers:
    """The answers of one connection, one after the other: all of status 200, with a length, with one and the same body."""

    __slots__ = ("_at", "_expected", "_head", "closes")

    def __init__(self, expected: bytes) -> None:
        self._expected = expected
        self._head = b""
        self._at = -1  # how much of the body has come; -1: the head is not whole
        #: Whether the last answer was the last of its connection.
        self.closes = False

    def feed(self, data: bytes) -> bool:
        """Take some bytes; whether the answer is whole with them. Raise ``Unexpected``, also for bytes behind its end."""
        if self._at < 0:
            data = self._head + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > _MOST_HEAD:
                    raise Unexpected("a head without end")
                self._head = data
                return False
            self._look_at(data[: end + 2])
            self._head = b""
            self._at = 0
            data = data[end + 4 :]
        end = self._at + len(data)
        if self._expected[self._at : end] != data:
            raise Unexpected(f"another body than expected, between byte {self._at} and {end}")
        if end < len(self._expected):
            self._at = end
            return False
        self._at = -1
        return True

    def _look_at(self, head: bytes) -> None:
        if head[9:12] != b"200":
            line, _, _ = head.decode("latin-1").partition("\r")
            raise Unexpected(f"status line {line!r}")
        length = _LENGTH.search(head)
        if length is None or int(length[1]) != len(self._expected):
            told = length[1].decode() if length else "none"
            raise Unexpected(f"Content-Length {told} for {len(self._expected)}")
        self.closes = _CLOSE.search(head) is not None


def take_answer(connection: socket.socket, answers: Answers) -> None:
    """Read on until an answer is whole. Raise ``Unexpected``, also where the connection ends before, or OSError."""
    whole = False
    while not whole:
        data = connection.recv(_READ)
        if not data:
            raise Unexpected("a connection ended before its answer was whole")
        whole = answers.feed(data)
