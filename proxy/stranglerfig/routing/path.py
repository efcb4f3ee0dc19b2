"""The path of a request as Django will read it, and which paths are refused.

WSGI servers percent-decode the path once and hand it over as PATH_INFO; Django reads that as UTF-8 and puts bytes
that are not UTF-8 back into percent-encoding. Routing looks at the same text, so that proxy and application agree;
the bytes themselves are forwarded unchanged. Nothing is merged and nothing resolved, because Django does neither.
"""

from enum import StrEnum
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_CONTROLS: Final = bytes(range(0x20)) + b"\x7f"
_INTERNAL: Final = "_chassis"
# What stays as it is when broken bytes are percent-encoded (RFC 3987 section 3.2 as Django applies it).
_KEPT: Final = "/#%[]=:;$&()+,!?*@'~"


class Refusal(StrEnum):
    """Why a path is answered 400: servers disagree on it, and honest clients never send it."""

    CONTROL = "control character in the request target"
    NOT_ASCII = "character outside ASCII in the request target"
    FRAGMENT = "fragment in the request target"
    NUL = "NUL in the path"
    DOT_SEGMENT = "dot segment in the path"


def wsgi_path(target: bytes) -> str:
    """The path of an origin-form ``target`` as Django has it in ``request.path_info``."""
    raw = target.partition(b"?")[0]
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    try:
        return raw.decode() or "/"
    except UnicodeDecodeError:
        return _percent_encode_what_is_broken(raw)


def _percent_encode_what_is_broken(raw: bytes) -> str:
    parts: list[str] = []
    while True:
        try:
            parts.append(raw.decode())
        except UnicodeDecodeError as error:
            parts.append(raw[: error.start].decode())
            parts.append(quote(raw[error.start : error.end], safe=_KEPT))
            raw = raw[error.end :]
        else:
            return "".join(parts)


def check_path(target: bytes, path: str, *, allow_dot_segments: bool = False) -> Refusal | None:
    """Say why the request is refused, or None. ``path`` is ``wsgi_path(target)``.

    Raw UTF-8 is read as such by some servers and as latin-1 by others. A fragment counts only before the query:
    gunicorn cuts the path there and wsgiref does not.
    """
    if target.translate(None, _CONTROLS) != target:
        return Refusal.CONTROL
    if not target.isascii():
        return Refusal.NOT_ASCII
    if b"#" in target and b"#" in target.partition(b"?")[0]:
        return Refusal.FRAGMENT
    if "\0" in path:
        return Refusal.NUL
    if not allow_dot_segments and "/." in path and has_dot_segment(path):
        return Refusal.DOT_SEGMENT
    return None


def has_dot_segment(path: str) -> bool:
    """Whether a segment is ``.`` or ``..``."""
    return any(segment in (".", "..") for segment in path.split("/"))


def is_internal(path: str) -> bool:
    """Whether ``path`` is ``/_chassis`` or below it, for any server that might stand behind the proxy.

    Django under gunicorn takes ``//_chassis`` for another path, but waitress and Django's own runserver merge leading
    slashes, and a web server in front of the application may merge all slashes and resolve dot segments. So the
    guard does both. Case is kept: Django's URLs are case-sensitive.
    """
    if _INTERNAL not in path:
        return False
    resolved: list[str] = []
    for segment in path.split("/"):
        if segment == _INTERNAL and not resolved:
            return (
                True  # also if a .. behind it would lead out again: Django looks at no such thing
            )
        if segment == "..":
            del resolved[-1:]
        elif segment not in ("", "."):
            resolved.append(segment)
    return False
