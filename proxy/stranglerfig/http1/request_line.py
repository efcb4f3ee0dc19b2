"""What of a request line llhttp does not judge as a proxy for HTTP must.

It reads RTSP and ICE too, whose grammar is nearly the same, and tells the version's number but not whose version it is.
Read as HTTP, such a request would mean something else behind the proxy than to whoever sent it.
"""

import re
from typing import Final

#: What is passed on: those that llhttp reads and IANA registers for HTTP, and PURGE and QUERY. Not CONNECT, for this is no tunnel, and not
#: TRACE, which would show a client the headers that the proxy adds for the upstream alone.
# fmt: off
METHODS: Final = frozenset({
    "ACL", "BIND", "CHECKOUT", "COPY", "DELETE", "GET", "HEAD", "LINK", "LOCK", "M-SEARCH",
    "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MOVE", "NOTIFY", "OPTIONS", "PATCH", "POST",
    "PROPFIND", "PROPPATCH", "PURGE", "PUT", "QUERY", "REBIND", "REPORT", "SEARCH", "SUBSCRIBE",
    "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE",
})
# fmt: on


def is_rtsp(raw: bytes, method: str, target: bytes) -> bool:
    """Whether the request line of ``method`` and ``target``, somewhere in ``raw``, names RTSP's version."""
    if b" RTSP/" not in raw:
        return False
    line = b"^%b +%b +RTSP/" % (re.escape(method.encode("ascii")), re.escape(target))
    return re.search(line, raw, re.MULTILINE) is not None
