"""What other answers say in the same place: where stale values and other people's ids come from."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from mutants.answer import HTML, JSON, Recorded

Scalar = str | int | float | bool


class Pool:
    """Values by the name of their member, texts by their place, links by what they lead to."""

    def __init__(self, recorded: Iterable[Recorded]) -> None:
        self._values: dict[str, set[Scalar]] = defaultdict(set)
        self._texts: dict[str, set[str]] = defaultdict(set)
        self._links: dict[str, set[str]] = defaultdict(set)
        for answer in recorded:
            if answer.kind == JSON:
                for name, value in _members(answer.tree):
                    self._values[name].add(value)
            elif answer.kind == HTML:
                for text in answer.page.texts:
                    self._texts[text.place].add(text.words)
                for element in answer.page.elements:
                    link = element.attributes.get("href", "")
                    self._links[kind_of(link)].add(link)

    def value(self, chance: Random, name: str, unlike: Any) -> Scalar | None:
        """Another value of the same type, from a member of this name."""
        return _other(chance, (v for v in self._values[name] if type(v) is type(unlike)), unlike)

    def text(self, chance: Random, place: str, unlike: str) -> str | None:
        """What stands elsewhere in such a place."""
        return _other(chance, self._texts[place], unlike)

    def link(self, chance: Random, unlike: str) -> str | None:
        """A link to another thing of the same kind."""
        return _other(chance, self._links[kind_of(unlike)], unlike)


def kind_of(link: str) -> str:
    """`/product/` for the address of a product; nothing for what names no thing."""
    words = link.split("/")
    return words[1] if len(words) == 4 and link.startswith("/") and link.endswith("/") else ""


def _other(chance: Random, found: Iterable[Any], unlike: Any) -> Any:
    # Sorted, since the order of a set of texts hangs on the process.
    others = sorted(value for value in found if value != unlike)
    return chance.choice(others) if others else None


def _members(tree: Any) -> Iterator[tuple[str, Scalar]]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            if isinstance(value, Scalar):
                yield name, value
            else:
                yield from _members(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _members(item)
