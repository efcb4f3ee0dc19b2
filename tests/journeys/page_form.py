"""A page's form as data: what a browser would send if nobody touched it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_NOT_SENT = {"submit", "button", "image", "reset", "file"}


@dataclass
class PageForm:
    """One form of a page: where it goes, how it is packed, its fields in order."""

    action: str
    method: str
    enctype: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, changes: dict[str, str]) -> list[tuple[str, str]]:
        """The fields with some changed; those that the form lacks are added."""
        kept = [(name, changes.get(name, value)) for name, value in self.fields]
        known = {name for name, _ in kept}
        return kept + [(name, value) for name, value in changes.items() if name not in known]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._open: PageForm | None = None
        self._select: str | None = None
        self._chosen: str | None = None
        self._textarea: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = PageForm(
                given.get("action", ""),
                given.get("method", "get").lower(),
                given.get("enctype", "application/x-www-form-urlencoded"),
            )
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "input" and given.get("name"):
            kind = given.get("type", "text")
            if kind in _NOT_SENT or (kind in {"checkbox", "radio"} and "checked" not in given):
                return
            without_value = "on" if kind in {"checkbox", "radio"} else ""
            self._open.fields.append((given["name"], given.get("value", without_value)))
        elif tag == "select":
            self._select, self._chosen = given.get("name"), None
        elif tag == "option" and self._select:
            if "selected" in given or self._chosen is None:
                self._chosen = given.get("value", "")
        elif tag == "textarea":
            self._textarea, self._text = given.get("name"), ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._open is None:
            return
        if tag == "form":
            self._open = None
        elif tag == "select" and self._select:
            self._open.fields.append((self._select, self._chosen or ""))
            self._select = None
        elif tag == "textarea" and self._textarea:
            self._open.fields.append((self._textarea, self._text.removeprefix("\n")))
            self._textarea = None


def read_form(page: str, field_name: str) -> PageForm:
    """The POST form of ``page`` that has a field of that name (file fields count by ``name=``)."""
    reader = _Reader()
    reader.feed(page)
    found = [
        form
        for form in reader.forms
        if form.method == "post"
        and (
            any(name == field_name for name, _ in form.fields)
            or form.enctype == "multipart/form-data"
        )
    ]
    assert found, f"the page has no form with a field {field_name}"
    exact = [form for form in found if any(name == field_name for name, _ in form.fields)]
    return (exact or found)[0]
