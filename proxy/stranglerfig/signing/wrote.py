"""The cookie ``fig_wrote``: who took a user's last writes, and when; signed, since it decides who answers.

``v1.<entry>….<signature>``. An entry is a scope (8 characters that stand for a journey or an upstream, so that their
names are not told), a letter for who took the write, and the time in milliseconds since 1970. The signature is
HMAC-SHA256 over the cookie's name and what stands before it, cut to 128 bits: the cookie goes with every request.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Final, Literal, NamedTuple

NAME: Final = "fig_wrote"
KEPT_S: Final = 3600
"""How long a browser keeps it, and so the longest time that a write can have an effect on reads."""
AHEAD_S: Final = 5.0
"""How far ahead of our clock a write may be (that of another machine) to be taken for one of this moment."""
MAX_SCOPES: Final = 16

Taker = Literal["m", "s", "u"]
"""Of a journey: the monolith or the service. Of an upstream: that upstream."""

_HEAD: Final = "v1."
_ENTRY_LENGTH: Final = 8 + 1 + 13 + 1
_ENTRIES: Final = re.compile(r"([A-Za-z0-9_-]{8})([msu])([0-9]{13})\.", re.ASCII)
_VALUE: Final = re.compile(
    rf"(v1\.(?:[A-Za-z0-9_-]{{8}}[msu][0-9]{{13}}\.){{1,{MAX_SCOPES}}})([A-Za-z0-9_-]{{22}})",
    re.ASCII,
)
MAX_LENGTH: Final = len(_HEAD) + MAX_SCOPES * _ENTRY_LENGTH + 22


class Ignored(StrEnum):
    """Why a cookie is not believed."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    FORGED = "forged"
    EXPIRED = "expired"  # older than a browser keeps it: replayed, or the clock was set on
    AHEAD = "ahead"  # from the future: the clock was set back


class Pin(NamedTuple):
    """What a write puts into the cookie, apart from its time: reads of this scope stay with who took it."""

    scope: str
    taker: Taker


class Wrote(NamedTuple):
    """The last write of a scope."""

    taker: str
    at_ms: int


def scope_of(kind: Literal["journey", "upstream"], name: str) -> str:
    """The 8 characters that stand for a journey or an upstream."""
    digest = blake2b(f"{kind} {name}".encode(), digest_size=6, person=b"fig-wrote").digest()
    return urlsafe_b64encode(digest).decode()


def write_wrote(writes: Mapping[str, Wrote], key: bytes) -> str:
    """The cookie's value that says ``writes`` by scope; of more than ``MAX_SCOPES`` the newest.

    Raises ValueError for an empty key, for no writes, and for a time that 13 digits can't say.
    """
    if not key or not writes:
        raise ValueError("the key is empty, or there is nothing to say")
    newest = sorted(writes.items(), key=lambda item: item[1].at_ms, reverse=True)[:MAX_SCOPES]
    if not all(0 <= wrote.at_ms < 10**13 for _, wrote in newest):
        raise ValueError("a time is out of range")
    said = _HEAD + "".join(f"{scope}{wrote.taker}{wrote.at_ms:013d}." for scope, wrote in newest)
    return said + _signature(said, key)


def read_wrote(value: str, key: bytes, now_ms: int) -> dict[str, Wrote] | Ignored:
    """The writes that ``value`` tells of, by scope, at ``now_ms``; or why it is not believed.

    Writes from longer ago than browsers keep the cookie, and from the future, are left out. A cookie that holds no
    other is not believed. Whoever does not hold the key only learns that it is malformed or forged.
    """
    if len(value) > MAX_LENGTH:
        return Ignored.OVERSIZED
    match = _VALUE.fullmatch(value)
    if match is None:
        return Ignored.MALFORMED
    said, signature = match.groups()
    if not key or not hmac.compare_digest(_signature(said, key), signature):
        return Ignored.FORGED
    oldest_ms, latest_ms = now_ms - KEPT_S * 1000, now_ms + int(AHEAD_S * 1000)
    writes = {
        scope: Wrote(taker, int(at_ms))
        for scope, taker, at_ms in _ENTRIES.findall(said, len(_HEAD))
    }
    believed = {
        scope: wrote for scope, wrote in writes.items() if oldest_ms <= wrote.at_ms <= latest_ms
    }
    if believed:
        return believed
    is_ahead = any(wrote.at_ms > latest_ms for wrote in writes.values())
    return Ignored.AHEAD if is_ahead else Ignored.EXPIRED


def _signature(said: str, key: bytes) -> str:
    digest = hmac.digest(key, f"{NAME}\n{said}".encode("ascii"), "sha256")
    return urlsafe_b64encode(digest[:16]).decode()[:22]
