"""Asks the other side what the first side was asked: the same bytes, marked as a shadow, on a connection of its own."""

import time
from typing import Final

from stranglerfig.compare.observation import Headers, Observation, RecordedResponse
from stranglerfig.config.model import Upstream
from stranglerfig.http1.trace_context import child_headers
from stranglerfig.signing.shadow import HEADER, make_shadow_mark
from stranglerfig.upstream.fetch import fetch

MARK_LIFETIME_S: Final = 60


async def ask(upstream: Upstream, seen: Observation, secret: str | None) -> RecordedResponse:
    """The other side's answer, within the upstream's response time-out; redirects are answers, not followed.

    Raises ``UpstreamError`` when there is no whole answer. Without a secret the request is not marked.
    """
    request = seen.request
    headers: Headers = child_headers(request.headers)
    if secret:
        mark = make_shadow_mark(
            request.method,
            request.target,
            request.body,
            seen.request_id,
            int(time.time()) + MARK_LIFETIME_S,
            secret.encode(),
        )
        headers = (*headers, (HEADER.encode(), mark.encode()))
    answer = await fetch(
        upstream,
        request.method,
        request.target,
        headers,
        request.body,
        deadline_s=upstream.timeouts.response_s,
    )
    return RecordedResponse(answer.status, answer.headers, answer.body)
