"""How much two nodes have in common, from 0 to 1: by the words, attributes and texts in them."""

from itertools import islice
from typing import Final

from stranglerfig.compare.diff.html.node import Node, elements

_MAX_LEAVES: Final = 64  # of one element: enough to know a row by


def likeness(ours: list[Node], theirs: list[Node]) -> list[list[float]]:
    """Of each with each. What all of them have, such as the class of every row, tells nothing and does not count."""
    left, right = [_leaves(node) for node in ours], [_leaves(node) for node in theirs]
    if len(left) + len(right) > 2:
        common = frozenset.intersection(*left, *right)
        left, right = [each - common for each in left], [each - common for each in right]
    return [[len(one & other) / max(len(one), len(other), 1) for other in right] for one in left]


def _leaves(node: Node) -> frozenset[object]:
    if isinstance(node, str):
        return frozenset(islice(node.split(), _MAX_LEAVES))
    found: set[object] = set()
    for element in elements(node):
        found.update(element.attributes.items())
        found.update(child for child in element.children if isinstance(child, str))
        if len(found) > _MAX_LEAVES:
            break
    return frozenset(found)
