"""Cookies of the Cookie header as bytes: take some out, leave the others exactly as they were."""

from collections.abc import Container


def without_cookies(value: bytes, names: Container[bytes], beginning: bytes = b"") -> bytes:
    """Give the Cookie header ``value`` without any cookie of these ``names``; empty when no other is left.

    ``beginning`` is what all the names begin with: most cookies are then known as others at a glance.
    """
    pairs = value.split(b";")
    kept = [
        pair
        for pair in pairs
        if beginning not in pair or _read_name(pair.partition(b"=")[0]) not in names
    ]
    if len(kept) == len(pairs):
        return value
    return b";".join(kept).strip()


def last_cookie(value: bytes, name: bytes) -> bytes | None:
    """Give the value of cookie ``name`` in the Cookie header ``value``, the last one as in Django; None without one."""
    for pair in reversed(value.split(b";")):
        known, equals, text = pair.partition(b"=")
        if equals and _read_name(known) == name:
            return text.strip()
    return None


def _read_name(written: bytes) -> bytes:
    """Give a name as Django reads it: without the white space of all scripts, in UTF-8, around it."""
    name = written.strip()
    return name if name.isascii() else name.decode("utf-8", "replace").strip().encode()
