"""The mark of a shadowed request, ``Fig-Shadow``: it fits one request and no other, for a short time.

It signs method, target, body digest, request id and expiry, so that a marked request can never be taken for a real
one, nor the mark be moved to another request. The payload is the request id and the SHA-256 of what is marked.
"""

import hmac
import re
from hashlib import sha256
from typing import Final

from stranglerfig.signing.seal import Refusal, sign, verify

HEADER: Final = "Fig-Shadow"
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")


def make_shadow_mark(
    method: str, target: bytes, body: bytes, request_id: str, expires: int, key: bytes
) -> str:
    """The value of Fig-Shadow for this request until ``expires`` (unix seconds).

    Raises ValueError for an empty key, or a request id that is empty, too long or not printable ASCII.
    """
    if not _REQUEST_ID.fullmatch(request_id) or ";" in request_id:
        raise ValueError("the request id is not fit to be signed")
    return sign(HEADER, f"{request_id} {_digest(method, target, body)}", expires, key)


def verify_shadow_mark(
    value: str, method: str, target: bytes, body: bytes, key: bytes, now: float
) -> str | Refusal:
    """The request id, if ``value`` marks exactly this request at ``now`` (unix seconds); else why not."""
    payload = verify(HEADER, value, key, now)
    if isinstance(payload, Refusal):
        return payload
    request_id, _, digest = payload.rpartition(" ")
    if not request_id:
        return Refusal.MALFORMED
    if not hmac.compare_digest(digest.encode(), _digest(method, target, body).encode()):
        return Refusal.FORGED
    return request_id


def _digest(method: str, target: bytes, body: bytes) -> str:
    # No method and no target holds a line feed: what is signed can be read in one way only.
    return sha256(b"\n".join((method.encode(), target, sha256(body).digest()))).hexdigest()
