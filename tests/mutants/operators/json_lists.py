"""Faults in a list of a JSON body: rows that are missing, twice, strangers, or in another order."""

import copy
from collections.abc import Callable
from random import Random
from typing import Any

from mutants.answer import JSON, Recorded
from mutants.operator import Mutate, operator
from mutants.operators.json_values import changed_copy, places
from mutants.pool import Pool
from stranglerfig.compare.observation import RecordedResponse

Fault = Callable[[list[Any], Random], list[Any]]


def _of_list(name: str, *, least: int = 1) -> Callable[[Fault], Fault]:
    """Register a fault that happens to lists of so many elements or more."""

    def register(fault: Fault) -> Fault:
        operator(JSON, name)(_mutate_by(fault, least))
        return fault

    return register


def _mutate_by(fault: Fault, least: int) -> Mutate:
    def mutate(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
        # The root may be a list itself.
        tree = {"": answer.tree}
        found = [(p, v) for p, v in places(tree) if isinstance(v, list) and len(v) >= least]
        chance.shuffle(found)
        for place, value in found:
            wrong = fault(copy.deepcopy(value), chance)
            if wrong != value:
                made = changed_copy(tree, place, lambda c, step, w=wrong: c.__setitem__(step, w))
                return answer.with_tree(made[""])
        return None

    return mutate


@_of_list("drop an element")
def _drop(items: list[Any], chance: Random) -> list[Any]:
    del items[chance.randrange(len(items))]
    return items


@_of_list("add an element")
def _add(items: list[Any], chance: Random) -> list[Any]:
    stranger = copy.deepcopy(chance.choice(items))
    if isinstance(stranger, dict):
        for name, value in stranger.items():
            if isinstance(value, str):
                stranger[name] = f"{value}-2"
            elif isinstance(value, int) and not isinstance(value, bool):
                stranger[name] = value + 100_000
    items.insert(chance.randrange(len(items) + 1), stranger)
    return items


@_of_list("duplicate an element")
def _duplicate(items: list[Any], chance: Random) -> list[Any]:
    at = chance.randrange(len(items))
    items.insert(at, copy.deepcopy(items[at]))
    return items


@_of_list("replace by a neighbour", least=2)
def _twice_for_another(items: list[Any], chance: Random) -> list[Any]:
    at = chance.randrange(len(items) - 1)
    items[at] = copy.deepcopy(items[at + 1])
    return items


@_of_list("reorder", least=2)
def _reorder(items: list[Any], chance: Random) -> list[Any]:
    chance.shuffle(items)
    return items


@_of_list("swap neighbours", least=2)
def _swap(items: list[Any], chance: Random) -> list[Any]:
    at = chance.randrange(len(items) - 1)
    items[at], items[at + 1] = items[at + 1], items[at]
    return items


@_of_list("empty list")
def _empty(items: list[Any], chance: Random) -> list[Any]:
    return []


@_of_list("off by one page", least=3)
def _shifted(items: list[Any], chance: Random) -> list[Any]:
    return items[1:]
