"""A page as plain values: text, and elements that hold attributes and children.

Two pages are mostly alike, so elements are compared as they are first, in C; what attributes mean is asked where they differ.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Final, NamedTuple, TypeAlias

_VOID: Final = frozenset(
    {"area", "base", "br", "col", "doctype", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)  # fmt: skip
_IS_OR_NOT: Final = frozenset(
    {
        *("allowfullscreen", "async", "autofocus", "autoplay", "checked", "controls", "default", "defer", "disabled"),
        *("formnovalidate", "hidden", "inert", "ismap", "itemscope", "loop", "multiple", "muted", "nomodule"),
        *("novalidate", "open", "playsinline", "readonly", "required", "reversed", "selected"),
    }
)  # fmt: skip
_SETS: Final = frozenset({"class", "headers", "rel", "sandbox", "sizes"})

Attributes: TypeAlias = Mapping[str, str]


class Element(NamedTuple):
    """An element with what stands in it."""

    tag: str
    attributes: Attributes
    children: "list[Element | str]"


Node: TypeAlias = Element | str


def meaning(attributes: Attributes) -> dict[str, str]:
    """The attributes without what means nothing: the order of classes, the value of ``checked``."""
    read = dict(attributes)
    for name, value in attributes.items():
        if name in _IS_OR_NOT:
            read[name] = ""
        elif name in _SETS:
            read[name] = " ".join(sorted(set(value.split())))
    return read


def token(node: Node) -> object:
    """Something to be looked up by: the same for nodes that mean the same."""
    if isinstance(node, str):
        return node
    attributes = frozenset(meaning(node.attributes).items()) if node.attributes else None
    return (node.tag, attributes, tuple(map(token, node.children)))


def elements(node: Node) -> Iterator[Element]:
    """The element and all below it, in the order of the page."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Element):
            yield each
            waiting += reversed(each.children)


def text_of(node: Node) -> str:
    """All text of a node as one."""
    if isinstance(node, str):
        return node.strip()
    return " ".join(filter(None, map(text_of, node.children)))


def markup(node: Element) -> str:
    """The element written as HTML, in one line."""
    attributes = "".join(
        f' {name}="{escape(value)}"' if value else f" {name}"
        for name, value in sorted(meaning(node.attributes).items())
    )
    inside = "".join(
        escape(child, quote=False) if isinstance(child, str) else markup(child)
        for child in node.children
    )
    if node.tag in _VOID and not inside:
        return f"<{node.tag}{attributes}>"
    return f"<{node.tag}{attributes}>{inside}</{node.tag}>"
