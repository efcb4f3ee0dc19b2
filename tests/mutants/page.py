"""A page as a list of its elements and texts, each with where it stands in the source: for changing it, not for comparing it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    {"br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_FIELDS = frozenset({"input", "select", "textarea", "button", "label", "fieldset"})
_UNREAD = frozenset({"script", "style"})


@dataclass
class Element:
    """One element; `begin` to `end` is its source, `inner` and `close` where its content begins and ends."""

    tag: str
    attributes: dict[str, str]
    begin: int
    inner: int
    close: int = 0
    end: int = 0
    parent: "Element | None" = None
    children: list["Element"] = field(default_factory=list)
    has_text: bool = False
    has_plain_text: bool = False
    """Some of its text is in no link."""
    has_field: bool = False
    """It is a field of a form or its label, or has one in it."""

    @property
    def is_links(self) -> bool:
        """Whether all that it says are links."""
        return self.has_text and not self.has_plain_text

    @property
    def is_token(self) -> bool:
        """Whether it is the field of a CSRF token."""
        return self.attributes.get("name") == "csrfmiddlewaretoken"


@dataclass(frozen=True)
class Text:
    """A piece of text that a reader sees."""

    begin: int
    end: int
    words: str
    place: str
    """Tag and class of what it stands in."""


@dataclass
class Page:
    """What an operator may change."""

    source: str
    elements: list[Element] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def replaced(self, begin: int, end: int, by: str) -> str:
        """The source with a piece of it replaced."""
        return self.source[:begin] + by + self.source[end:]

    def source_of(self, element: Element) -> str:
        """An element as it is written."""
        return self.source[element.begin : element.end]


class _Reader(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.page = Page(source)
        self._lines = [0]
        for line in source.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._open: list[Element] = []

    @property
    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = self._begin(tag, attrs)
        if tag in VOID:
            element.close = element.end = element.inner
        else:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = self._begin(tag, attrs)
        element.close = element.end = element.inner

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            element = self._open.pop()
            element.close = self._at
            if element.tag == tag:
                element.end = self._end_of_tag()
                return
            element.end = element.close

    def handle_data(self, data: str) -> None:
        words = data.strip()
        if not words or not self._open or self._open[-1].tag in _UNREAD:
            return
        is_plain = True
        for element in reversed(self._open):
            is_plain = is_plain and element.tag != "a"
            element.has_text = True
            element.has_plain_text = element.has_plain_text or is_plain
        begin = self._at + data.index(words)
        inside = self._open[-1]
        place = f"{inside.tag} {inside.attributes.get('class', '')}"
        self.page.texts.append(Text(begin, begin + len(words), words, place))

    def _begin(self, tag: str, attrs: list[tuple[str, str | None]]) -> Element:
        parent = self._open[-1] if self._open else None
        begin = self._at
        inner = begin + len(self.get_starttag_text() or "")
        given = {name: value or "" for name, value in attrs}
        element = Element(tag, given, begin, inner, parent=parent)
        self.page.elements.append(element)
        if parent is not None:
            parent.children.append(element)
        if tag in _FIELDS:
            for each in (*self._open, element):
                each.has_field = True
        return element

    def _end_of_tag(self) -> int:
        return self.page.source.index(">", self._at) + 1


def read_page(source: str) -> Page:
    """Read a page whose tags are closed, as the shop's are."""
    reader = _Reader(source)
    reader.feed(source)
    reader.close()
    reader.page.elements = [element for element in reader.page.elements if element.end]
    return reader.page
