"""The links of a page as a set: one that is lost or new is said once, and where it stands is no matter."""

from collections.abc import Iterator
from typing import Final

from stranglerfig.compare.diff.difference import Found, Kind
from stranglerfig.compare.diff.html.node import Element, elements, text_of

_TAGS: Final = ("a", "area")
_MORE_THAN_WORDS: Final = frozenset({"img", "svg", "button", "input", "select", "textarea"})

Link = tuple[str, str]
"""Where it leads, and what it says."""


def links_of(page: Element) -> frozenset[Link]:
    """All links of a page."""
    return frozenset(
        (target, text_of(each))
        for each in elements(page)
        if each.tag in _TAGS and (target := each.attributes.get("href")) is not None
    )


def is_only_links(element: Element) -> bool:
    """Whether there is nothing in it but links of words and what holds them."""
    if element.tag in _TAGS:
        return "href" in element.attributes and not any(
            below.tag in _MORE_THAN_WORDS for below in elements(element)
        )
    return bool(element.children) and all(
        isinstance(each, Element) and is_only_links(each) for each in element.children
    )


def as_sets(found: Iterator[Found], control: Element, candidate: Element) -> Iterator[Found]:
    """The differences without links that only stand elsewhere, and each other link once."""
    there: dict[Kind, frozenset[Link]] = {}
    said: set[object] = set()
    for each in found:
        side, opposite = each.control, candidate
        if each.kind is Kind.EXTRA:
            side, opposite = each.candidate, control
        if isinstance(side, Element) and each.kind in (Kind.MISSING, Kind.EXTRA):
            if is_only_links(side):
                links = links_of(side)
                if each.kind not in there:
                    there[each.kind] = links_of(opposite)
                if links <= there[each.kind] or (each.kind, links) in said:
                    continue
                said.add((each.kind, links))
        elif _is_target(each):
            if (each.control, each.candidate) in said:
                continue
            said.add((each.control, each.candidate))
        yield each


def _is_target(found: Found) -> bool:
    return (
        found.kind is Kind.VALUE
        and len(found.steps) > 1
        and found.steps[-1][0] == "href"
        and found.steps[-2][0] in _TAGS
    )
