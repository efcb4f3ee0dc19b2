"""Cookies of the Cookie header as bytes: take one out, leave the others exactly as they were."""


def without_cookie(value: bytes, name: bytes) -> bytes:
    """Give the Cookie header ``value`` without any cookie ``name``; empty when no other is left."""
    pairs = value.split(b";")
    kept = [pair for pair in pairs if pair.partition(b"=")[0].strip() != name]
    if len(kept) == len(pairs):
        return value
    return b";".join(kept).strip()
