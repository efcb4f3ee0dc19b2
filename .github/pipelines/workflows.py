"""The workflows as text, from the list of parts and two templates. Nothing here writes a file or runs anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
FOLDER: Final = ".github/workflows"
WHOLE: Final = "whole"
ENVIRONMENTS: Final = ("staging", "production")
# What the test of any part is run by.
FOR_ALL: Final = ("Makefile", "constraints.txt", "requirements-dev.txt", "tests/suites/**", "tests/servers/**")  # fmt: skip
FOR_IMAGES: Final = (".dockerignore", ".github/pipelines/shipping.py")

_SECTION: Final = r"(?ms)^ *# \[{0}\]\n(.*?)^ *# \[/{0}\]\n"
_PLACEHOLDER: Final = re.compile(r"<([a-z-]+)>")


class Mistake(Exception):  # noqa: N818
    """The list or a template can't be meant so; the text says what and where."""


@dataclass(frozen=True)
class Part:
    """One row of the list."""

    path: str
    needs: tuple[str, ...]
    tests: tuple[str, ...]
    databases: tuple[str, ...]
    is_image: bool

    @property
    def name(self) -> str:
        """Of its workflow's file: `extracted-shopsmart-catalog`."""
        return self.path.replace("/", "-")

    @property
    def installed(self) -> tuple[str, ...]:
        """What its tests need in their .venv, the part itself last."""
        return (*self.needs, *self.tests, self.path)

    @property
    def paths(self) -> tuple[str, ...]:
        """What must change for it to be tested again."""
        return (
            *(f"{path}/**" for path in reversed(self.installed)),
            *FOR_ALL,
            *(FOR_IMAGES if self.is_image else ()),
            f"{FOLDER}/{self.name}.yml",
        )


def read_parts(root: Path = ROOT) -> list[Part]:
    """The list, held against what is in the folders."""
    rows: list[dict[str, Any]] = yaml.safe_load((HERE / "parts.yaml").read_text())
    return parts_of(rows, root)


def parts_of(rows: list[dict[str, Any]], root: Path = ROOT) -> list[Part]:
    """Raises Mistake for a row that says something unknown, or of a part that there is not."""
    paths = [row.get("path") for row in rows]
    for row in rows:
        where = f"parts.yaml, {row.get('path', 'a row without a path')}"
        if unknown := row.keys() - {"path", "needs", "tests", "databases"}:
            raise Mistake(f"{where}: nobody reads {', '.join(sorted(unknown))}.")
        if not row.get("path") or not (root / row["path"] / "pyproject.toml").is_file():
            raise Mistake(f"{where}: there is no such folder with a pyproject.toml.")
        for other in (*row.get("needs", ()), *row.get("tests", ())):
            if other not in paths:
                raise Mistake(f"{where}: it needs {other}, which is no part of the list.")
        if wrong := set(row.get("databases", ())) - {"SQLite", "PostgreSQL"}:
            raise Mistake(f"{where}: databases are SQLite and PostgreSQL, not {', '.join(wrong)}.")
    return [
        Part(
            path=row["path"],
            needs=tuple(row.get("needs", ())),
            tests=tuple(row.get("tests", ())),
            databases=tuple(row.get("databases", ("SQLite",))),
            is_image=(root / row["path"] / "Dockerfile").is_file(),
        )
        for row in rows
    ]


def write_workflows(parts: list[Part]) -> dict[str, str]:
    """Every workflow by its path in the repository."""
    actions = {
        name: f"{action['uses']}@{action['commit']}  # {action['tag']}"
        for name, action in yaml.safe_load((HERE / "actions.yaml").read_text()).items()
    }
    template = (HERE / "part.yml").read_text()
    written = {
        f"{FOLDER}/{part.name}.yml": _written("part.yml", _of_part(template, part, actions))
        for part in parts
    }
    whole = _filled((HERE / "whole.yml").read_text(), actions)
    return {**written, f"{FOLDER}/{WHOLE}.yml": _written("whole.yml", whole)}


def _of_part(template: str, part: Part, actions: Mapping[str, str]) -> str:
    text = _section(template, "image", keep=part.is_image)
    found = re.search(_SECTION.format("environment"), text)
    if found:
        after = "image"
        jobs = ""
        for environment in ENVIRONMENTS:
            jobs += _filled(found[1], {"environment": environment, "after": after}, whole=False)
            after = f"[image, {environment}]"
        text = text[: found.start()] + jobs + text[found.end() :]
    return _filled(
        text,
        {
            **actions,
            "path": part.path,
            "name": part.name,
            "installed": " ".join(part.installed),
            "databases": f"[{', '.join(part.databases)}]",
            "paths": "\n".join(("", *(f'      - "{path}"' for path in part.paths))),
        },
    )


def _section(text: str, name: str, *, keep: bool) -> str:
    """Without the marks of a section; without the section if it is not kept."""
    return re.sub(_SECTION.format(name), r"\1" if keep else "", text)


def _filled(text: str, words: Mapping[str, str], *, whole: bool = True) -> str:
    """With every `<word>` filled in; one that is unknown is a mistake in the template, unless others come later."""

    def word(found: re.Match[str]) -> str:
        if whole and found[1] not in words:
            raise Mistake(f"a template says <{found[1]}>, which nobody fills in.")
        return words.get(found[1], found[0])

    return re.sub(r" +\n", "\n", _PLACEHOLDER.sub(word, text))


def _written(template: str, text: str) -> str:
    return f"# Written by `make pipelines` from .github/pipelines/{template}. Change that, not this.\n{text.rstrip()}\n"
