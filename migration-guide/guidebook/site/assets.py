"""Finds what a built page would load from another host: the site shall work without a network."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_IN_CSS = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)
_LOADING = {
    "script": ("src",), "img": ("src", "srcset"), "iframe": ("src",), "source": ("src", "srcset"),
    "video": ("src", "poster"), "audio": ("src",), "embed": ("src",), "object": ("data",),
    "input": ("src",), "image": ("href", "xlink:href"), "use": ("href", "xlink:href"), "track": ("src",),
}  # fmt: skip
_LINKS_THAT_LOAD_NOTHING = {"author", "canonical", "license", "next", "prev", "search", "index"}


def find_outside_assets(site: Path) -> list[str]:
    """Each as ``page: address``, sorted."""
    found: set[str] = set()
    for file in sorted(site.rglob("*")):
        name = str(file.relative_to(site))
        if file.suffix == ".html":
            reader = _Assets()
            reader.feed(file.read_text(encoding="utf-8"))
            found |= {f"{name}: {address}" for address in reader.outside}
        elif file.suffix in (".css", ".svg"):
            text = file.read_text(encoding="utf-8")
            found |= {f"{name}: {address}" for address in _IN_CSS.findall(text)}
    return sorted(found)


class _Assets(HTMLParser):
    """Gathers the addresses on other hosts that a browser would load by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        values = {name: value or "" for name, value in attrs}
        self.outside += [address for address in _loaded(tag, values) if _ELSEWHERE.match(address)]
        self.outside += _IN_CSS.findall(values.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.outside += _IN_CSS.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def _loaded(tag: str, values: dict[str, str]) -> Iterator[str]:
    if tag == "link" and not set(values.get("rel", "").split()) & _LINKS_THAT_LOAD_NOTHING:
        yield values.get("href", "")
    for name in _LOADING.get(tag, ()):
        yield values.get(name, "")
