"""Cookies of the Cookie header as bytes: find one, take one out, leave the others exactly as they were."""

from collections.abc import Sequence


def find_cookie(values: Sequence[bytes], name: bytes) -> bytes | None:
    """Give the value of cookie ``name`` in the Cookie headers ``values``; the last of a name counts, as in Django."""
    found = None
    for value in values:
        for pair in value.split(b";"):
            key, equals, cookie = pair.partition(b"=")
            if equals and key.strip() == name:
                found = cookie.strip()
    return found


def without_cookie(value: bytes, name: bytes) -> bytes:
    """Give the Cookie header ``value`` without any cookie ``name``; empty when no other is left."""
    pairs = value.split(b";")
    kept = [pair for pair in pairs if pair.partition(b"=")[0].strip() != name]
    if len(kept) == len(pairs):
        return value
    return b";".join(kept).strip()
