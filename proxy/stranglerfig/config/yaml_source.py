"""YAML read so that every mistake can be shown at its place, for any file that is checked by a pydantic model."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stranglerfig.config.problem import ConfigError, Problem
from stranglerfig.config.yaml_tree import KeyPath, Node, NodeKind, parse_tree

_MENDS: Final = {
    "string_type": ("is not a text", "write a text, in quotes if it looks like a number"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "int_type": ("is not a whole number", "write a whole number"),
    "list_type": ("is not a list", "write each on a line of its own after a dash"),
    "tuple_type": ("is not a list", "write each on a line of its own after a dash"),
    "frozen_set_type": ("is not a list", "write each on a line of its own after a dash"),
    "dict_type": ("is not a mapping", "write keys with values below it"),
    "model_type": ("is not a mapping", "write keys with values below it"),
    "model_attributes_type": ("is not a mapping", "write keys with values below it"),
}


class Positions:
    """Where each key and item of a file stands."""

    def __init__(self, places: Mapping[KeyPath, tuple[int, int]]) -> None:
        self._places = places

    def at(self, path: KeyPath) -> tuple[int, int]:
        """Line and column, from 1, of the key or item at ``path``; of the nearest one above it if there is none."""
        while path not in self._places and path:
            path = path[:-1]
        return self._places.get(path, (1, 1))


def read_yaml(text: str, file: str) -> tuple[Any, Positions]:
    """Read YAML to plain dicts, lists and scalars; keys are texts. Raises ConfigError for syntax and double keys.

    Of a key that is written twice every further place is a problem of its own; the file is refused.
    """
    root = parse_tree(text, file)
    if root is None:
        return None, Positions({})
    places: dict[KeyPath, tuple[int, int]] = {(): (root.line, root.column)}
    problems: list[Problem] = []

    def plain(node: Node, path: KeyPath) -> Any:
        if node.kind is NodeKind.SCALAR:
            return node.value
        if node.kind is NodeKind.SEQUENCE:
            for number, item in enumerate(node.items):
                places[*path, number] = (item.line, item.column)
            return [plain(item, (*path, number)) for number, item in enumerate(node.items)]
        data: dict[str, Any] = {}
        for key, value in node.entries:
            below = (*path, key.text)
            if key.text in data:
                first = places[below][0]
                message = f"the key is written twice, first on line {first}"
                problems.append(
                    Problem(
                        file, key.line, key.column, dotted(below), message, "remove one of them"
                    )
                )
                continue
            places[below] = (key.line, key.column)
            data[key.text] = plain(value, below)
        return data

    data = plain(root, ())
    if problems:
        raise ConfigError(problems)
    return data, Positions(places)


def dotted(path: KeyPath) -> str:
    """A path as people write it: ``capabilities.catalog.routes[2]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def problems_from_pydantic(
    error: ValidationError, positions: Positions, file: str, model: type[BaseModel] | None = None
) -> list[Problem]:
    """Every mistake that pydantic found, at its place. With ``model``, unknown keys get a "did you mean".

    A model may have a class variable ``not_built``: keys that the format knows and this version does not.
    """
    return [
        _problem(details, positions, file, model) for details in error.errors(include_url=False)
    ]


def _problem(
    details: ErrorDetails, positions: Positions, file: str, model: type[BaseModel] | None
) -> Problem:
    path = path_of(details)
    line, column = positions.at(path)
    message, mend = _say(details, path, model)
    return Problem(file, line, column, dotted(path), message, mend)


def path_of(details: ErrorDetails) -> KeyPath:
    """Where in the file pydantic found an error: without the values that models take out of short forms."""
    loc = tuple(
        part
        for part in details["loc"]
        if not (isinstance(part, str) and (part == "[key]" or part.startswith("(")))
    )
    return loc + tuple(details.get("ctx", {}).get("at", ()))


def _say(details: ErrorDetails, path: KeyPath, model: type[BaseModel] | None) -> tuple[str, str]:
    kind, value, context = details["type"], details.get("input"), details.get("ctx", {})
    if kind == "mistake":
        return context["message"], context["mend"]
    if kind == "missing":
        return "the key is missing", f"add {path[-1]}:" if path else "add it"
    if kind == "extra_forbidden":
        return _say_unknown(path, model)
    if kind in _MENDS:
        if value is None:
            return "the key has no value", "give it one, or remove the key"
        message, mend = _MENDS[kind]
        return f"{shorten(value)} {message}", mend
    if kind == "greater_than_equal":
        return f"{shorten(value)} is too few", f"write {context['ge']} or more"
    if kind == "less_than_equal":
        return f"{shorten(value)} is too many", f"write {context['le']} or fewer"
    if kind == "string_too_short":
        return "the text is empty", "write one, or remove the key"
    if kind in ("enum", "literal_error"):
        return _say_choice(value, str(context.get("expected", "")))
    return f"{shorten(value)}: {details['msg']}", "write a value that fits"


def _say_choice(value: Any, expected: str) -> tuple[str, str]:
    choices = [choice.strip("' ") for choice in expected.replace(" or ", ", ").split(",")]
    message = f"{shorten(value)} is not one of {', '.join(choices)}"
    near = get_close_matches(value, choices, 1, 0.7) if isinstance(value, str) else []
    return message, f"did you mean {near[0]}?" if near else f"write {' or '.join(choices)}"


def _say_unknown(path: KeyPath, model: type[BaseModel] | None) -> tuple[str, str]:
    key = str(path[-1]) if path else ""
    above = _model_at(model, path[:-1])
    if above is None:
        return "the key is unknown", "remove it"
    later = getattr(above, "not_built", {}).get(key.lower().replace("-", "_"))
    if later is not None:
        return f"not built yet: {later}", "remove the key"
    if model is above and (home := _home_of(key, above)):
        return "the key is unknown here", f"write it below a name in {home}"
    known = written_keys(above)
    near = get_close_matches(key, known, 1, 0.7)
    if near:
        return "the key is unknown", f"did you mean {near[0]}?"
    return "the key is unknown", f"remove it; known keys are {', '.join(known)}"


def _home_of(key: str, root: type[BaseModel]) -> str | None:
    """Among whose entries ``key`` may be written: ``stage`` among those of ``capabilities``."""
    for name, info in root.model_fields.items():
        entry = _model_at(info.annotation, ("any",))
        if entry is not None and key in written_keys(entry):
            return name
    return None


def written_keys(model: type[BaseModel]) -> list[str]:
    """The keys that may be written for ``model``, in its order."""
    keys = (
        str(info.validation_alias or info.alias or name)
        for name, info in model.model_fields.items()
    )
    return [key for key in keys if not key.startswith("(")] + list(getattr(model, "short_keys", ()))


def _model_at(annotation: Any, path: KeyPath) -> type[BaseModel] | None:
    """The model that describes the value at ``path`` below something annotated so."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _model_at(args[0], path)
    if origin in (Union, UnionType):
        found = (_model_at(arg, path) for arg in args)
        return next((model for model in found if model), None)
    if isinstance(origin, type):
        is_mapping = issubclass(origin, Mapping)
        return _model_at(args[-1 if is_mapping else 0], path[1:]) if path and args else None
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return None
    if not path:
        return annotation
    for name, info in annotation.model_fields.items():
        if path[0] in (name, info.validation_alias, info.alias):
            return _model_at(info.annotation, path[1:])
    return None


def shorten(value: Any) -> str:
    """A value as it may stand in a message: never long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
