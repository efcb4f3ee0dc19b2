"""The key of the hashes at rest: from ``FIG_SECRET``, or random and kept beside the store.

It must outlive the process, or equal values of yesterday and today could not be seen to be equal.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

KEY_NAME = "compare.key"
_KEY_BYTES = 32


def value_key(secret: str | None, state_dir: Path) -> bytes:
    """The key, made and saved (readable by its owner alone) when there is neither a secret nor a file yet.

    Raises ``OSError`` when it can be neither read nor written.
    """
    if secret:
        return hmac.new(secret.encode(), b"compare: values at rest", hashlib.sha256).digest()
    path = state_dir / KEY_NAME
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) == _KEY_BYTES:
        return key
    key = secrets.token_bytes(_KEY_BYTES)
    # Written beside and renamed: a kill half-way must not leave a short key that the next start replaces again.
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    fresh.replace(path)
    return key
