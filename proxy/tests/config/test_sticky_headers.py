"""Which headers may tell users apart: those that reach the decision as the client sent them."""

import pytest
from pydantic import ValidationError

from stranglerfig.config.model import Capability
from stranglerfig.http1.headers import Meaning, meaning_of

READ_AS_SENT = (Meaning.ORDINARY, Meaning.AUTHORIZATION, Meaning.CACHE_CONTROL)
NAMES = [
    "X-User", "X-Account-Id", "Authorization", "Cookie", "Host", "Connection", "Keep-Alive", "Proxy-Connection",
    "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Upgrade", "Transfer-Encoding", "Content-Length",
    "Expect", "Forwarded", "X-Real-IP", "X-Request-Id", "X-Forwarded-For", "X-Forwarded-User", "X_Forwarded_For",
    "Fig-Force", "Fig-User", "Fig_Shadow", "Figs", "User-Agent", "Traceparent", "tracestate",
]  # fmt: skip


def recognised_by(name: str) -> Capability:
    return Capability.model_validate(
        {"name": "c", "upstream": "u", "routes": ["GET /x"], "sticky": f"header {name}"}
    )


@pytest.mark.parametrize("name", NAMES)
def test_only_a_header_that_the_decision_can_read_may_recognise_users(name: str) -> None:
    if meaning_of(name.encode()) in READ_AS_SENT:
        assert recognised_by(name).sticky.header == name.lower()
    else:
        with pytest.raises(ValidationError, match="says nothing about users"):
            recognised_by(name)
