"""Signed header values: who holds the key may say this, until then.

``v1;<expires, unix seconds>;<payload>;<hex HMAC-SHA256>``, signed over ``name \\n expires \\n payload`` with the key
FIG_SECRET. The header's name is signed along, so that a value of one header is worth nothing in another. A line feed
can stand in none of the three, so no two of them are signed as the same bytes.
"""

import hmac
import re
from enum import StrEnum
from typing import Final

MAX_LENGTH: Final = 4096
# A value is seen by whoever sends it, who may then try keys at leisure: shorter ones are found.
SHORTEST_GOOD_KEY: Final = 16
_VALUE: Final = re.compile(r"v1;([0-9]{1,12});([\x20-\x7e]*);([0-9a-f]{64})", re.ASCII)
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")


class Refusal(StrEnum):
    """Why a signed value is not believed."""

    MALFORMED = "malformed"
    FORGED = "forged"
    EXPIRED = "expired"


def sign(name: str, payload: str, expires: int, key: bytes) -> str:
    """The value of header ``name`` (any case) that says ``payload`` until ``expires`` (unix seconds).

    Raises ValueError for an empty key, a payload that is not printable ASCII or is too long, an expiry out of range.
    """
    if not key:
        raise ValueError("the key is empty")
    if not _PLAIN.fullmatch(payload):
        raise ValueError("the payload holds what is not printable ASCII")
    value = f"v1;{expires};{payload};{_digest(name, str(expires), payload, key)}"
    if len(value) > MAX_LENGTH or not 0 <= expires < 10**12:
        raise ValueError("the payload is too long, or the expiry out of range")
    return value


def verify(name: str, value: str, key: bytes, now: float) -> str | Refusal:
    """The payload of ``value`` of header ``name`` at ``now`` (unix seconds), or why it is not believed.

    Takes the same time whatever part of a signature is wrong. The signature is looked at before the expiry, so that
    only who holds the key learns that a value was once good. With an empty key nothing is believed.
    """
    match = _VALUE.fullmatch(value) if len(value) <= MAX_LENGTH else None
    if match is None:
        return Refusal.MALFORMED
    expires, payload, given = match.groups()
    if not key or not hmac.compare_digest(_digest(name, expires, payload, key), given):
        return Refusal.FORGED
    if now >= int(expires):
        return Refusal.EXPIRED
    return payload


def _digest(name: str, expires: str, payload: str, key: bytes) -> str:
    message = f"{name.lower()}\n{expires}\n{payload}".encode("ascii")
    return hmac.digest(key, message, "sha256").hex()
