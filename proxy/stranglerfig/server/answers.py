"""The answers that the proxy gives by itself: short, the same for every cause, nothing about what is behind it."""

import json
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from stranglerfig.http1.failure import PASSES_BY_ITSELF, Failure
from stranglerfig.http1.headers import Header, first_value
from stranglerfig.http1.request_head import RequestHead

COME_AGAIN_AFTER_S: Final = 1
"""Where nobody knows better, what passes by itself may have passed by then (RFC 9110, 10.2.3)."""


def wants_json(head: RequestHead | None) -> bool:
    """Whether the client asked for JSON and not for a page."""
    accept = first_value(head.kept, b"accept") if head is not None else None
    return accept is not None and b"json" in accept and b"html" not in accept


def error_answer(
    failure: Failure,
    head: RequestHead | None,
    request_id: bytes,
    *,
    keep_alive: bool,
    extra: tuple[Header, ...] = (),
    again_after_s: int = COME_AGAIN_AFTER_S,
) -> bytes:
    """Give the whole answer for ``failure``; ``head`` is None if the request could not be read.

    JSON is problem+json (RFC 9457) with a stable ``code``.
    """
    assert failure.status is not None
    status = HTTPStatus(failure.status)
    identifier = request_id.decode("latin-1")
    if wants_json(head):
        kind = b"application/problem+json"
        body = json.dumps(
            {
                "type": "about:blank",
                "title": status.phrase,
                "status": status.value,
                "detail": failure.text,
                "code": failure.kind,
                "request_id": identifier,
            }
        ).encode()
    else:
        kind = b"text/plain; charset=utf-8"
        body = f"{status.value} {status.phrase}\n\n{failure.text}\nRequest: {identifier}\n".encode()
    headers = [
        (b"Date", formatdate(usegmt=True).encode()),
        (b"Content-Type", kind),
        (b"Content-Length", b"%d" % len(body)),
        (b"Cache-Control", b"no-store"),
        (b"X-Request-Id", request_id),
        *extra,
    ]
    if failure in PASSES_BY_ITSELF:
        headers.append((b"Retry-After", b"%d" % again_after_s))
    if not keep_alive:
        headers.append((b"Connection", b"close"))
    elif head is not None and head.is_http_1_0:
        headers.append((b"Connection", b"keep-alive"))
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    top = b"HTTP/1.1 %d %b\r\n%b\r\n" % (status.value, status.phrase.encode(), lines)
    return top if head is not None and head.method == "HEAD" else top + body
