"""Two bodies compared as what they are: JSON, text, or bytes."""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import Final

from stranglerfig.compare.diff.coding import CodingError, content_codings, decode
from stranglerfig.compare.diff.difference import ABSENT, BODY, Found, Kind
from stranglerfig.compare.diff.header_value import media_type
from stranglerfig.compare.diff.json_body import diff_json
from stranglerfig.compare.diff.json_tree import NotJsonError, parse
from stranglerfig.compare.diff.placeholder import has_fresh_values, with_placeholders
from stranglerfig.compare.diff.text_body import diff_text

_JSON: Final = re.compile(r"application/json|text/json|[a-z]+/[a-z0-9.+-]+\+json")
_TEXT: Final = re.compile(
    r"text/.*|application/(xml|javascript|x-javascript|x-www-form-urlencoded|graphql)|[a-z]+/[a-z0-9.+-]+\+xml"
)
# Python's codecs hold more than charsets: unicode_escape, idna and punycode are no texts of an answer.
_CHARSETS: Final = (
    "utf-8",
    "ascii",
    "iso8859",
    "cp",
    "utf-16",
    "koi8",
    "shift",
    "euc",
    "gb",
    "big5",
)


def diff_bodies(
    control: bytes,
    candidate: bytes,
    *,
    control_type: bytes,
    candidate_type: bytes,
    control_encoding: Sequence[bytes] = (),
    candidate_encoding: Sequence[bytes] = (),
) -> Iterator[Found]:
    """Differences of two bodies, given their ``Content-Type`` and ``Content-Encoding``. May raise ``NotComparableError``."""
    if control == candidate and list(control_encoding) == list(candidate_encoding):
        return
    ours = _read(control, control_type, control_encoding)
    theirs = _read(candidate, candidate_type, candidate_encoding)
    if ours == b"" or theirs == b"":
        if ours != theirs:
            yield from _one_is_empty(ours, theirs)
        return
    if isinstance(ours, bytes) and isinstance(theirs, bytes):
        if ours != theirs:
            yield Found(Kind.VALUE, BODY, (), ours, theirs)
        return
    if isinstance(ours, bytes) or isinstance(theirs, bytes):
        yield Found(Kind.TYPE, BODY, (), ours, theirs)
        return
    if _is_html(control_type) and _is_html(candidate_type):
        ours, theirs = with_placeholders(ours), with_placeholders(theirs)
    if ours == theirs:
        return
    if _is_json(control_type) != _is_json(candidate_type):
        yield Found(Kind.TYPE, BODY, (), ours, theirs)
    elif _is_json(control_type):
        try:
            trees = parse(ours), parse(theirs)
        except NotJsonError:
            yield from diff_text(ours, theirs)
        else:
            yield from diff_json(*trees)
    else:
        yield from diff_text(ours, theirs)


def is_made_anew(body: bytes, content_type: bytes, encoding: Sequence[bytes]) -> bool:
    """Whether a body holds values that are new in each answer, so that what is derived from its bytes is new too."""
    text = _read(body, content_type, encoding) if _is_html(content_type) else b""
    return isinstance(text, str) and has_fresh_values(text)


def text_of(body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> tuple[str, str]:
    """A body as text, and its media type; no text where it is none. Raises ``NotComparableError`` for one too large."""
    by_name = [(name.lower(), value) for name, value in headers]
    types = [value for name, value in by_name if name == b"content-type"] or [b""]
    codings = [value for name, value in by_name if name == b"content-encoding"]
    text = _read(body, types[0], codings)
    return (text if isinstance(text, str) else ""), media_type(types[0])[0]


def _one_is_empty(ours: bytes | str, theirs: bytes | str) -> Iterator[Found]:
    if ours:
        yield Found(Kind.MISSING, BODY, (), ours, ABSENT)
    else:
        yield Found(Kind.EXTRA, BODY, (), ABSENT, theirs)


def _is_json(content_type: bytes) -> bool:
    return _JSON.fullmatch(media_type(content_type)[0]) is not None


def _is_html(content_type: bytes) -> bool:
    return media_type(content_type)[0] in ("text/html", "application/xhtml+xml")


def _read(body: bytes, content_type: bytes, encoding: Sequence[bytes]) -> bytes | str:
    """Text, if it is one and can be read as such; else bytes. An empty body is ``b""`` whatever its type."""
    try:
        body = decode(body, content_codings(encoding))
    except CodingError:
        return body
    essence, params = media_type(content_type)
    if not body or not (_JSON.fullmatch(essence) or _TEXT.fullmatch(essence)):
        return body
    try:
        codec = codecs.lookup(params.get("charset", "utf-8")).name
        return body.decode(codec) if codec.startswith(_CHARSETS) else body
    except (LookupError, ValueError):
        return body
