"""The user's bucket: the same on every worker, without state, and monotone both ways.

``bucket = BLAKE2b(user, key = journey) mod 10000``. A user gets the service if the bucket is below the share in
hundredths of a percent. So a growing share only adds users, a shrinking one takes the last ones back first, and the
journeys' buckets are independent: nobody gets every canary. 64 bits are taken before the modulo, which leaves a bias
below 10^-15.
"""

from hashlib import blake2b
from typing import Final

BUCKETS: Final = 10_000


def bucket(salt: str, unit: str) -> int:
    """The bucket of user ``unit`` in the journey ``salt`` (at most 64 bytes in UTF-8): 0..9999."""
    key = salt.encode()
    digest = blake2b(unit.encode("utf-8", "surrogateescape"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big") % BUCKETS


def fingerprint(secret: str) -> str:
    """A short name for a credential, fit to be a user's unit: the credential itself is kept nowhere."""
    return blake2b(
        secret.encode("utf-8", "surrogateescape"), digest_size=16, person=b"fig-unit"
    ).hexdigest()
