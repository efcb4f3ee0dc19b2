"""The links of a page as a set: one that is lost or new is said once, and where it stands is no matter.

What holds nothing but links, such as an item of a menu, may stand elsewhere with them; as another element it is another one.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from stranglerfig.compare.diff.difference import Found, Kind
from stranglerfig.compare.diff.html.node import Element, elements, text_of, token

_TAGS: Final = ("a", "area")
_MORE_THAN_WORDS: Final = frozenset({"img", "svg", "button", "input", "select", "textarea"})


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
    counts: list[Counter[object]] = []
    said: set[object] = set()
    for each in found:
        side = each.candidate if each.kind is Kind.EXTRA else each.control
        if isinstance(side, Element) and each.kind in (Kind.MISSING, Kind.EXTRA):
            if is_only_links(side):
                counts = counts or [_counted(page) for page in (control, candidate)]
                ours, theirs = counts if each.kind is Kind.MISSING else counts[::-1]
                what = _known_by(side)
                if theirs[what] >= ours[what] or (each.kind, what) in said:
                    continue
                said.add((each.kind, what))
        elif _is_target(each):
            if (each.control, each.candidate) in said:
                continue
            said.add((each.control, each.candidate))
        yield each


def _counted(page: Element) -> Counter[object]:
    """How often each link, and whatever holds only links, is on a page."""
    return Counter(_known_by(each) for each in elements(page) if is_only_links(each))


def _known_by(element: Element) -> object:
    """Of a link where it leads and what it says; of what holds links all that it is."""
    if element.tag in _TAGS:
        return element.attributes["href"], text_of(element)
    return token(element)


def _is_target(found: Found) -> bool:
    return (
        found.kind is Kind.VALUE
        and len(found.steps) > 1
        and found.steps[-1][0] == "href"
        and found.steps[-2][0] in _TAGS
    )
