"""How API tokens are made and checked. Pure: what is stored is the caller's business.

A token is `shop_<prefix>_<secret>`. 256 random bits need no slow hash: SHA-256 of the whole is as
safe as the token is unguessable, and costs a request microseconds.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass

from django.utils.crypto import constant_time_compare

PREFIX_BYTES = 5  # ten characters: among millions of tokens two hardly ever begin alike
SECRET_BYTES = 32
SHAPE = re.compile(r"shop_(?P<prefix>[0-9a-f]{10})_[0-9A-Za-z_-]{43}\Z")
NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token at the one moment at which all of it is known."""

    token: str
    prefix: str
    digest: str


def make_token() -> MadeToken:
    """A new token that nobody can guess."""
    prefix = secrets.token_hex(PREFIX_BYTES)
    token = f"shop_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return MadeToken(token=token, prefix=prefix, digest=digest_of(token))


def prefix_of(token: str) -> str | None:
    """The part that finds a token; None where this is no token of the shop."""
    match = SHAPE.match(token)
    return match["prefix"] if match else None


def digest_of(token: str) -> str:
    """What is stored instead of the token."""
    return hashlib.sha256(token.encode()).hexdigest()


def fits(token: str, digest: str | None) -> bool:
    """Whether the digest is of this token; takes as long where there is none to compare with."""
    return constant_time_compare(digest_of(token), digest or NO_DIGEST)
