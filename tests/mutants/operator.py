"""What an operator is: a fault of one kind, put into an answer at a place that chance picks."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from mutants.answer import Recorded
from mutants.pool import Pool
from stranglerfig.compare.observation import RecordedResponse

HEAD = "head"

Mutate = Callable[[Recorded, Random, Pool], RecordedResponse | None]


@dataclass(frozen=True)
class Operator:
    """`kind` says which answers it is for: those with such a body, or, as `head`, all."""

    kind: str
    name: str
    mutate: Mutate
    """None: there is no place for it in this answer."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


OPERATORS: list[Operator] = []


def operator(kind: str, name: str) -> Callable[[Mutate], Mutate]:
    """Register the decorated function."""

    def register(mutate: Mutate) -> Mutate:
        OPERATORS.append(Operator(kind, name, mutate))
        return mutate

    return register


def one_of(chance: Random, places: list[Any]) -> Any:
    """One of the places, or None where there is none."""
    return chance.choice(places) if places else None
