"""Finds a region: ``FILE``, ``FILE::Qualified.name`` (Python), ``FILE::[name]`` (marks), ``FILE::key.sub`` (YAML, TOML)."""

import ast
import re
import textwrap
import tomllib
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node

_NAMED = re.compile(r"\[([a-z][a-z0-9-]*)\]")
_MARK = re.compile(
    r"\s*(?:#|//|--|;|%|/\*|<!--|\{#)\s*\[(/?)([a-z][a-z0-9-]*)\]\s*(?:\*/|-->|#\})?\s*"
)


class RegionError(Exception):
    """There is no such region: ``message`` says why, ``mend`` what to do."""

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend


def find_region(root: Path, files: frozenset[str], target: str) -> list[str]:
    """The lines of a region, without the indentation that they share. Raises RegionError.

    ``files`` are the repository's own: what is not in a clean clone can't be quoted.
    """
    name, _, region = target.partition("::")
    if name not in files:
        raise RegionError(
            f"{name} is no file of the repository", "write its path from the repository's root"
        )
    try:
        text = (root / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RegionError(f"{name} can't be read: {error}", "quote a text") from error
    lines = text.splitlines()
    if region:
        found = _find(name, text, lines, region)
    elif "::" in target:
        raise RegionError("nothing is named after `::`", f"write `{name}` for the whole file")
    else:
        found = [line for line in lines if not _MARK.fullmatch(line)]
    while found and not found[-1].strip():
        found.pop()
    return textwrap.dedent("\n".join(found)).split("\n")


def _find(name: str, text: str, lines: list[str], region: str) -> list[str]:
    if named := _NAMED.fullmatch(region):
        first, last = _marked(name, lines, named[1])
    elif name.endswith((".py", ".pyi")):
        first, last = _definition(name, text, region)
    elif name.endswith((".yaml", ".yml")):
        first, last = _yaml_key(name, text, lines, region)
    elif name.endswith(".toml"):
        first, last = _toml_key(name, text, lines, region)
    else:
        raise RegionError(
            f"in {name} only `[name]` marks can be quoted", "put `[name]` and `[/name]` around it"
        )
    return [line for line in lines[first:last] if not _MARK.fullmatch(line)]


def _marked(name: str, lines: list[str], wanted: str) -> tuple[int, int]:
    marks = [
        (place, found[1])
        for place, line in enumerate(lines)
        if (found := _MARK.fullmatch(line)) and found[2] == wanted
    ]
    if [slash for _, slash in marks] != ["", "/"]:
        raise RegionError(
            f"{name} has not one `[{wanted}]` with one `[/{wanted}]` after it",
            "put each on a comment line of its own",
        )
    return marks[0][0] + 1, marks[1][0]


def _definition(name: str, text: str, qualified: str) -> tuple[int, int]:
    try:
        body: list[ast.stmt] = ast.parse(text).body
    except SyntaxError as error:
        raise RegionError(f"{name} is no Python: {error}", "mend the file") from error
    node: ast.stmt | None = None
    for part in qualified.split("."):
        node = next((one for one in body if _defines(one, part)), None)
        if node is None:
            raise RegionError(
                f"{name} defines no {qualified!r} (there is no {part!r})",
                "write the name as Python would: `Class.method`, `function` or `CONSTANT`",
            )
        body = getattr(node, "body", [])
    assert node is not None
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(one.lineno for one in decorators)]) - 1
    return first, node.end_lineno or node.lineno


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.name == name
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _yaml_key(name: str, text: str, lines: list[str], path: str) -> tuple[int, int]:
    try:
        node: Node | None = YAML().compose(text)
    except YAMLError as error:
        raise RegionError(f"{name} is no YAML: {error}", "mend the file") from error
    first, last = 0, len(lines)
    for part in path.split("."):
        keys = node.value if isinstance(node, MappingNode) else []
        place = next((at for at, (key, _) in enumerate(keys) if key.value == part), None)
        if place is None:
            raise RegionError(f"{name} has no key {path!r} (there is no {part!r})", "name a key")
        first = keys[place][0].start_mark.line
        if place + 1 < len(keys):
            last = keys[place + 1][0].start_mark.line
        node = keys[place][1]
    # Comments above the next key belong to that one.
    while last > first + 1 and (not (line := lines[last - 1].strip()) or line.startswith("#")):
        last -= 1
    return first, last


def _toml_key(name: str, text: str, lines: list[str], path: str) -> tuple[int, int]:
    try:
        value: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RegionError(f"{name} is no TOML: {error}", "mend the file") from error
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        raise RegionError(f"{name} has no table [{path}]", "name a table, or put marks around it")
    header = re.compile(rf"\s*\[{re.escape(path)}\]\s*(#.*)?")
    first = next((at for at, line in enumerate(lines) if header.fullmatch(line)), None)
    if first is None:
        raise RegionError(f"{name} has no line [{path}]", "name a table, or put marks around it")
    following = (at for at in range(first + 1, len(lines)) if lines[at].startswith("["))
    return first, next(following, len(lines))
