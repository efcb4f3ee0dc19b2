"""A page read as a tree, by libxml2 and within a bound: nothing here grows faster than the page.

Readers that follow the standard to the letter copy unclosed formatting into every block after it: twenty kilobytes become a million
elements. libxml2 closes what is open instead, for both sides alike (docs/decisions/0019).
"""

from collections.abc import Mapping
from typing import Final

from lxml import etree

from stranglerfig.compare.diff.html.asset import with_asset_placeholders
from stranglerfig.compare.diff.html.node import Element, Node
from stranglerfig.compare.diff.html.space import (
    ATOMS,
    BLOCKS,
    PREFORMATTED,
    SPACES,
    UNSEEN,
    with_single_spaces,
)
from stranglerfig.compare.diff.placeholder import fresh_attributes

MAX_DEPTH: Final = 100  # pages of frameworks reach thirty
_CHUNK_BYTES: Final = (
    32 * 1024
)  # after each the depth is looked at: end tags without a beginning cost libxml2 as much
_EDGE, _ATOM, _PREFORMATTED, _UNSEEN, _MAY_BE_FRESH = 1, 2, 4, 8, 16
_KINDS: Final = {
    tag: _EDGE * (tag in BLOCKS)
    | _ATOM * (tag in ATOMS)
    | _PREFORMATTED * (tag in PREFORMATTED)
    | _UNSEEN * (tag in UNSEEN)
    | _MAY_BE_FRESH * (tag in ("input", "meta"))
    for tag in BLOCKS | ATOMS | PREFORMATTED | UNSEEN | {"meta"}
}
_NOTHING: Final[Mapping[str, str]] = {}
_EMPTY_HEAD: Final = Element("head", _NOTHING, [])


class TooDeepError(ValueError):
    """The page is nested so deep that it is not treated as one."""


def read_page(text: str, *, are_assets_hashed: bool = False) -> Element:
    """The page as one element without a name, whatever is broken in it. Raises ``TooDeepError``."""
    heard, builder = _Heard(), _Builder(are_assets_hashed)
    parser = etree.HTMLParser(target=heard, encoding="utf-8")
    data = text.encode("utf-8", "replace")
    for start in range(0, len(data), _CHUNK_BYTES):
        parser.feed(data[start : start + _CHUNK_BYTES])
        builder.build(heard.events)
        heard.events.clear()
    if data:
        parser.close()
        builder.build([*heard.events, ("", _NOTHING)])  # which also ends a last text
        builder.page.children.pop()
    for html in builder.page.children:
        if isinstance(html, Element) and html.children[:1] == [_EMPTY_HEAD]:
            del html.children[0]  # it is there on every page, whether it was written or not
    return builder.page


_Event = str | tuple[str, Mapping[str, str]] | None
"""A text, the beginning of an element, or the end of the one that was opened last."""


class _Heard:
    """What the parser tells its target. Noting it down and building from the notes costs half of building at once."""

    def __init__(self) -> None:
        self.events: list[_Event] = []
        self.data = note = self.events.append
        self.start = lambda tag, attributes: note((tag, attributes))
        self.end = lambda _: note(None)

    def doctype(self, name: str | None, public: str | None, system: str | None) -> None:
        """The type of the document: without it a browser shows the page by the rules of 1998."""
        said = {"name": (name or "").lower(), "public": public or "", "system": system or ""}
        self.events += [("doctype", {key: text for key, text in said.items() if text}), None]

    def close(self) -> None:
        """The end of the page."""


class _Builder:
    """Builds the tree from the notes, part by part."""

    def __init__(self, are_assets_hashed: bool) -> None:
        self._are_assets_hashed = are_assets_hashed
        self.page = Element("", _NOTHING, [])
        self._open = [(0, "", 0, self.page.children)]
        self._text = ""
        self._is_line_empty, self._is_space_due = True, False

    def build(self, events: list[_Event]) -> None:
        """Take the next part. Raises ``TooDeepError``."""
        # One loop over local names, since it runs two thousand times for a page of 30 KB.
        opened, text, kind_of = self._open, self._text, _KINDS.get
        is_empty, is_due = self._is_line_empty, self._is_space_due
        kept, tag, kind, children = opened[-1]
        are_hashed = self._are_assets_hashed
        for event in events:
            if isinstance(event, str):
                text += event
                continue
            if text:
                if kept:
                    children.append(_as_written(text, tag, is_first=not children))
                elif core := text.strip(SPACES):
                    seen = with_single_spaces(core)
                    if is_due or (not is_empty and text[0] in SPACES):
                        seen = " " + seen
                    is_empty, is_due = False, text[-1] in SPACES
                    children.append(seen)
                else:
                    is_due = not is_empty
                text = ""
            if event is None:
                if kind & _EDGE:
                    is_empty, is_due = True, False
                elif kind & _ATOM:
                    is_empty = is_due = False
                opened.pop()
                kept, tag, kind, children = opened[-1]
                continue
            tag, attributes = event
            if kind := kind_of(tag, 0):
                if tag == "input" and attributes.get("type", "").lower() == "hidden":
                    kind = _MAY_BE_FRESH
                if kind & _EDGE:
                    is_empty, is_due = True, False
                elif kind & _ATOM:
                    if is_due:
                        children.append(" ")
                    is_empty, is_due = True, False  # in a button a line of its own begins
                kept |= kind & (_PREFORMATTED | _UNSEEN)
            if not attributes:
                attributes = _NOTHING
            elif kind & _MAY_BE_FRESH or "nonce" in attributes:
                attributes = fresh_attributes(tag, attributes)
            if attributes and are_hashed:
                attributes = with_asset_placeholders(attributes)
            below: list[Node] = []
            children.append(_new(Element, (tag, attributes, below)))
            children = below
            opened.append((kept, tag, kind, children))
            if len(opened) > MAX_DEPTH:
                raise TooDeepError(f"nested more than {MAX_DEPTH} deep")
        self._text, self._is_line_empty, self._is_space_due = text, is_empty, is_due


_new = tuple.__new__  # half the time of Element(…)


def _as_written(text: str, tag: str, *, is_first: bool) -> str:
    if tag in UNSEEN:
        return text.strip()
    # The first line end after <pre> is none (HTML, 13.1.2.5).
    return text[1:] if is_first and text[0] == "\n" else text
