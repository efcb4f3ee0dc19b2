"""The few words of the pictures that no fig.yaml holds: migration-guide/pictures.yaml."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FILE = "pictures.yaml"


@dataclass(frozen=True)
class StepWords:
    """One step: its picture's title, what it does in a few words, which services stand there unclaimed."""

    folder: str
    title: str
    does: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Words:
    """Everything in pictures.yaml."""

    names: dict[str, tuple[str, str]]
    """By upstream: what it is called, and what it is."""
    steps: tuple[StepWords, ...]
    later: tuple[str, ...] = field(default=())


def read_words(guide: Path) -> Words:
    """Read it. Raises KeyError where a step lacks its words: the file is the project's own."""
    data: dict[str, Any] = YAML(typ="safe").load((guide / FILE).read_text(encoding="utf-8"))
    return Words(
        names={name: (said["name"], said["is"]) for name, said in data["names"].items()},
        steps=tuple(
            StepWords(folder, said["title"], said["does"], tuple(said.get("beside", ())))
            for folder, said in data["steps"].items()
        ),
        later=tuple(data["later"]),
    )
