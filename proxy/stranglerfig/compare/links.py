"""Where an answer leads: the paths on the same host that a page, a JSON answer or a redirect names."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from stranglerfig.compare.diff.body import text_of
from stranglerfig.compare.observation import RecordedResponse

_LINKS = {"a": "href", "area": "href", "link": "href", "img": "src", "script": "src"}
_INTERNAL = "/_chassis/"  # never answered through the proxy


def links_of(answer: RecordedResponse, path: str, host: str) -> list[str]:
    """Paths with their queries, each once, in the order in which they stand there. ``host`` is whom was asked."""
    base = f"http://{host}{path}"
    found = dict.fromkeys(
        link for raw in _raw_links(answer, host) if (link := _same_site(raw, base, host))
    )
    return list(found)


def _raw_links(answer: RecordedResponse, host: str) -> Iterator[str]:
    for name, value in answer.headers:
        if name.lower() == b"location":
            yield value.decode("latin-1")
    text, essence = text_of(answer.body, answer.headers)
    if essence in ("text/html", "application/xhtml+xml"):
        page = _Page()
        page.feed(text)
        yield from page.links
    elif essence.endswith("json"):
        try:
            tree = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from _urls(tree, (f"http://{host}/", f"https://{host}/"))


class _Page(HTMLParser):
    """Reads what a browser would follow or load of itself; forms are left alone."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        value = dict(attrs).get(_LINKS.get(tag, ""))
        if value:
            self.links.append(value)


def _urls(tree: Any, beginnings: tuple[str, ...]) -> Iterator[str]:
    waiting = [tree]
    while waiting:
        match waiting.pop(0):
            case str(text) if text.startswith(beginnings):
                yield text
            case dict(members):
                waiting += members.values()
            case list(elements):
                waiting += elements


def _same_site(raw: str, base: str, host: str) -> str | None:
    try:
        parts = urlsplit(urljoin(base, raw.strip()))
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != host.lower():
        return None
    path = quote(parts.path or "/", safe="%/:=&~+!$,;'@()*")
    if path.startswith(_INTERNAL) or "/../" in path or "/./" in path:
        return None
    query = quote(parts.query, safe="%/:=&?~+!$,;'@()*[]")
    return f"{path}?{query}" if query else path
