"""Two bodies compared as what they are: JSON, a page, text, or bytes."""

import codecs
import contextlib
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final

from stranglerfig.compare.diff.coding import CodingError, content_codings, decode
from stranglerfig.compare.diff.difference import ABSENT, BODY, Found, Kind
from stranglerfig.compare.diff.form_body import diff_fields
from stranglerfig.compare.diff.header_value import media_type
from stranglerfig.compare.diff.html.compare import diff_pages
from stranglerfig.compare.diff.html.page import TooDeepError, read_page
from stranglerfig.compare.diff.json_body import diff_json
from stranglerfig.compare.diff.json_tree import Json, NotJsonError, parse
from stranglerfig.compare.diff.placeholder import has_fresh_values, with_placeholders
from stranglerfig.compare.diff.reading import PLAIN, Reading
from stranglerfig.compare.diff.text_body import diff_text

_JSON: Final = re.compile(r"application/json|text/json|[a-z]+/[a-z0-9.+-]+\+json")
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_FIELDS: Final = "application/x-www-form-urlencoded"
_META_CHARSET: Final = re.compile(
    rb"<meta[^>]*charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE
)
_PRESCAN_BYTES: Final = 1024  # as far as a browser looks (HTML, 13.2.3.2)
_TEXT: Final = re.compile(
    r"text/.*|application/(xml|javascript|x-javascript|x-www-form-urlencoded|graphql)|[a-z]+/[a-z0-9.+-]+\+xml"
)
_BOM: Final = (
    "\ufeff"  # some write it before JSON, and readers may pass over it (RFC 8259, section 8.1)
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


class _Form(Enum):
    """How a text is read."""

    JSON = "json"
    HTML = "html"
    FIELDS = "fields"
    TEXT = "text"


def diff_bodies(
    control: bytes,
    candidate: bytes,
    *,
    control_type: bytes,
    candidate_type: bytes,
    control_encoding: Sequence[bytes] = (),
    candidate_encoding: Sequence[bytes] = (),
    reading: Reading = PLAIN,
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
    if ours == theirs:
        return
    form = _form(control_type)
    if form is not _form(candidate_type):
        yield Found(Kind.TYPE, BODY, (), ours, theirs)
    elif form is _Form.JSON:
        yield from _diff_json_texts(ours, theirs, reading)
    elif form is _Form.HTML:
        yield from _diff_pages_or_texts(ours, theirs, reading)
    elif form is _Form.FIELDS:
        yield from diff_fields(ours, theirs)
    else:
        yield from diff_text(ours, theirs)


def _diff_json_texts(ours: str, theirs: str, reading: Reading) -> Iterator[Found]:
    if ours.startswith(_BOM) is not theirs.startswith(_BOM):
        yield Found(Kind.FORMAT, BODY, (), ours, theirs)
    trees = [tree for text in (ours, theirs) for tree in _trees(text)]
    match trees:
        case [one, other]:
            yield from diff_json(one, other, lists=reading.lists)
        case [_]:
            yield Found(Kind.TYPE, BODY, (), ours, theirs)
        case _:
            yield from diff_text(ours, theirs)


def _trees(text: str) -> list[Json]:
    """The tree of a text, or none."""
    try:
        return [parse(text.removeprefix(_BOM))]
    except NotJsonError:
        return []


def _diff_pages_or_texts(ours: str, theirs: str, reading: Reading) -> Iterator[Found]:
    ours, theirs = with_placeholders(ours), with_placeholders(theirs)
    if ours == theirs:  # which most pages are, and then need not be read
        return
    try:
        hashed = reading.are_assets_hashed
        pages = [read_page(text, are_assets_hashed=hashed) for text in (ours, theirs)]
    except TooDeepError:
        yield from diff_text(ours, theirs)
    else:
        yield from diff_pages(pages[0], pages[1], reading.lists)


def is_made_anew(body: bytes, content_type: bytes, encoding: Sequence[bytes]) -> bool:
    """Whether a body holds values that are new in each answer, so that what is derived from its bytes is new too."""
    text = _read(body, content_type, encoding) if _form(content_type) is _Form.HTML else b""
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


def _form(content_type: bytes) -> _Form:
    essence, _ = media_type(content_type)
    if _JSON.fullmatch(essence):
        return _Form.JSON
    if essence in _HTML:
        return _Form.HTML
    return _Form.FIELDS if essence == _FIELDS else _Form.TEXT


def _charset(body: bytes, essence: str) -> str:
    """What the body says of itself, where its header says nothing."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if essence in _HTML and (found := _META_CHARSET.search(body[:_PRESCAN_BYTES])):
        label = found[1].decode("ascii")
        with contextlib.suppress(LookupError):
            return codecs.lookup(label).name
    return "utf-8"


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
        codec = codecs.lookup(params.get("charset") or _charset(body, essence)).name
        return body.decode(codec) if codec.startswith(_CHARSETS) else body
    except (LookupError, ValueError):
        return body
