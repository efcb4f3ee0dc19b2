"""Cookies of the Cookie header as bytes: take some out, leave the others exactly as they were."""

from collections.abc import Container


def without_cookies(value: bytes, names: Container[bytes]) -> bytes:
    """Give the Cookie header ``value`` without any cookie of these ``names``; empty when no other is left."""
    pairs = value.split(b";")
    kept = [pair for pair in pairs if pair.partition(b"=")[0].strip() not in names]
    if len(kept) == len(pairs):
        return value
    return b";".join(kept).strip()


def last_cookie(value: bytes, name: bytes) -> bytes | None:
    """Give the value of cookie ``name`` in the Cookie header ``value``, the last one as in Django; None without one."""
    for pair in reversed(value.split(b";")):
        known, equals, text = pair.partition(b"=")
        if equals and known.strip() == name:
            return text.strip()
    return None
