"""What of a request line llhttp does not judge as a proxy for HTTP must.

It reads RTSP and ICE too, whose grammar is nearly the same, and tells the version's number but not whose version it is.
Read as HTTP, such a request would mean something else behind the proxy than to whoever sent it.
"""

import re
from collections.abc import Sequence
from typing import Final

from stranglerfig.config.pattern import KNOWN_METHODS
from stranglerfig.http1.headers import Header

METHODS: Final = frozenset(KNOWN_METHODS)


def is_rtsp(raw: bytes, method: str, target: bytes, headers: Sequence[Header]) -> bool:
    """Whether the request of ``method`` and ``target``, somewhere in ``raw``, names RTSP's version.

    It need not begin a line: the body of the request before it may end anywhere. What stands behind it tells it
    from the same words in a body.
    """
    if b" RTSP/" not in raw:
        return False
    behind = re.escape(headers[0][0]) + b":" if headers else b"\r\n"
    words = (re.escape(method.encode("ascii")), re.escape(target), behind)
    return re.search(rb"%b +%b +RTSP/[0-9]\.[0-9]\r\n%b" % words, raw) is not None
