"""Two pages compared: elements by id or name before position, forms as data, links as a set."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from stranglerfig.compare.diff.difference import ABSENT, BODY, Found, Kind
from stranglerfig.compare.diff.html.align import Aligner
from stranglerfig.compare.diff.html.attribute import diff_attributes
from stranglerfig.compare.diff.html.form import diff_forms, without_fields
from stranglerfig.compare.diff.html.link import as_sets, is_only_links
from stranglerfig.compare.diff.html.node import Element, Node
from stranglerfig.compare.diff.json_body import Lists, diff_json
from stranglerfig.compare.diff.json_tree import Json, NotJsonError, parse
from stranglerfig.compare.diff.meaning import is_same_text
from stranglerfig.compare.diff.path import ALONE, Steps, Tag, Text, is_name
from stranglerfig.compare.diff.reading import PLAIN

MAX_FOUND: Final = 1_000  # of one page; one with more has been replaced
_ROWS: Final = frozenset({"li", "tr", "td", "th", "tbody", "dt", "dd", "article", "option", "a"})
"""What there are many of: their ids are data, and a path must be the same for each of them."""


class _Means(NamedTuple):
    """What one comparison works with."""

    aligner: Aligner
    lists: Lists


def diff_pages(control: Element, candidate: Element, lists: Lists = PLAIN.lists) -> Iterator[Found]:
    """Every difference of two pages, as ``read_page`` reads them; ``lists``: of the data in scripts."""
    found = _children(control, candidate, (), _Means(Aligner(), lists))
    yield from as_sets(islice(found, MAX_FOUND), control, candidate)


def _element(one: Element, other: Element, steps: Steps, means: _Means) -> Iterator[Found]:
    if one.tag == "form":
        yield from diff_forms(one, other, steps)
        one, other = without_fields(one), without_fields(other)
    elif one.attributes != other.attributes:
        yield from diff_attributes(one.attributes, other.attributes, steps)
    if one.tag == "script" and "json" in one.attributes.get("type", ""):
        trees = [tree for each in (one, other) for tree in _json(each)]
        if len(trees) == 2:
            yield from diff_json(trees[0], trees[1], steps, means.lists)
            return
    yield from _children(one, other, steps, means)


def _json(script: Element) -> list[Json]:
    """What ``json_script`` writes into a page is compared as the data that it is."""
    try:
        return [parse("".join(each for each in script.children if isinstance(each, str)))]
    except NotJsonError:
        return []


def _children(one: Element, other: Element, steps: Steps, means: _Means) -> Iterator[Found]:
    aligned = means.aligner.align(one.children, other.children)
    if any(not _may_move(one.children[at]) for at, _ in aligned.moved):
        yield Found(Kind.ORDER, BODY, steps, one, other)
    opposite: dict[int, int | None] = dict([*aligned.pairs, *aligned.moved])
    opposite.update(dict.fromkeys(aligned.missing))
    places = _places(one.children, opposite, steps)
    for at in sorted(opposite):
        there = opposite[at]
        if there is None:
            yield Found(Kind.MISSING, BODY, places[at], one.children[at], ABSENT)
        else:
            yield from _node(one.children[at], other.children[there], places[at], means)
    if aligned.extra:
        places = _places(other.children, aligned.extra, steps)
        for at in sorted(aligned.extra):
            yield Found(Kind.EXTRA, BODY, places[at], ABSENT, other.children[at])


def _node(one: Node, other: Node, steps: Steps, means: _Means) -> Iterator[Found]:
    if isinstance(one, Element) and isinstance(other, Element):
        yield from _element(one, other, steps, means)
    elif one != other:
        assert isinstance(one, str)
        assert isinstance(other, str)  # only like is matched with like
        yield Found(
            Kind.FORMAT if is_same_text(one, other) else Kind.VALUE, BODY, steps, one, other
        )


def _may_move(node: Node) -> bool:
    return isinstance(node, Element) and is_only_links(node)


def _places(children: Sequence[Node], wanted: Iterable[int], steps: Steps) -> dict[int, Steps]:
    """The paths of some of the children."""
    tags = [child.tag if isinstance(child, Element) else "" for child in children]
    counts: dict[str, int] = {}
    ranks = []
    for tag in tags:
        rank = counts.get(tag, 0)
        ranks.append(rank)
        counts[tag] = rank + 1
    places: dict[int, Steps] = {}
    for at in wanted:
        child, tag = children[at], tags[at]
        position = ranks[at] if counts[tag] > 1 else ALONE
        if isinstance(child, str):
            places[at] = (*steps, Text(position))
        elif tag == "html" and not steps:
            places[at] = ()
        elif ident := _ident(child):
            places[at] = (Tag(tag, position, ident),)
        else:
            places[at] = (*steps, Tag(tag, position))
    return places


def _ident(element: Element) -> str:
    """The id, where it is a name that somebody chose for this place."""
    ident = element.attributes.get("id", "")
    is_chosen = is_name(ident) and not any(char.isdigit() for char in ident)
    return ident if is_chosen and is_name(element.tag) and element.tag not in _ROWS else ""
