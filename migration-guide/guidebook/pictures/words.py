"""The few words of the pictures that no fig.yaml holds: migration-guide/pictures.yaml."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from guidebook.problem import GuideError, Problem
from guidebook.repository import GUIDE

FILE = "pictures.yaml"


@dataclass(frozen=True)
class StepWords:
    """One step: its picture's title, and what it does in a few words."""

    folder: str
    title: str
    does: str
    alone: bool = False
    """There is no proxy yet, and no fig.yaml."""


@dataclass(frozen=True)
class Words:
    """Everything in pictures.yaml."""

    names: dict[str, tuple[str, str]]
    """By upstream: what it is called, and what it is."""
    steps: tuple[StepWords, ...]
    later: tuple[str, ...] = field(default=())


def read_words(guide: Path) -> Words:
    """Read it. Raises GuideError where something is missing or more than that is said."""
    try:
        data: dict[str, Any] = YAML(typ="safe").load((guide / FILE).read_text(encoding="utf-8"))
        return Words(
            names={name: (said["name"], said["is"]) for name, said in data["names"].items()},
            steps=tuple(StepWords(folder, **said) for folder, said in data["steps"].items()),
            later=tuple(data["later"]),
        )
    except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError, AttributeError) as error:
        raise GuideError(
            Problem(
                f"{GUIDE}/{FILE}", 0, f"it can't be read: {error}", "say names, steps and later"
            )
        ) from error
