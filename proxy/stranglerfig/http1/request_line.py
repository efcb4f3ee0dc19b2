"""What of a request line llhttp does not judge as a proxy for HTTP must.

It reads RTSP and ICE too, whose grammar is nearly the same, and tells the version's number but not whose version it is.
Read as HTTP, such a request would mean something else behind the proxy than to whoever sent it.
"""

from typing import Final

from stranglerfig.config.pattern import KNOWN_METHODS

METHODS: Final = frozenset(KNOWN_METHODS)
END_OF_HEAD: Final = b"\r\n\r\n"


def find_rtsp(text: bytes, begin: int) -> int:
    """Where ``text`` names RTSP's version first from ``begin`` on; below 0 where no request in it is one of RTSP."""
    return text.find(b" RTSP/", begin)


def is_rtsp(text: bytes, fields: int) -> bool:
    """Whether the head with so many ``fields`` that ``text`` ends with is one of RTSP.

    Counted from its end, for nobody knows where it begins: the body of the request before it may end anywhere, and hold
    the same words.
    """
    lines = text.split(b"\r\n")
    line = len(lines) - fields - 3  # behind it the fields, and the two empty lines of the end
    return line < 0 or lines[line].rpartition(b" ")[2].startswith(b"RTSP/")
