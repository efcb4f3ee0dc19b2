"""Change a word of fig.yaml and nothing else: comments, spacing, quotes and line ends stay, byte for byte.

The place of the word comes from the parsed tree; the result is read again and must differ in that value alone, so an
unusual spelling ends in an error and never in a file that says something else.
"""

from copy import deepcopy
from decimal import Decimal
from typing import Any, Final

from stranglerfig.config.capability import Stage
from stranglerfig.config.problem import ConfigError, EditError
from stranglerfig.config.write import Changed, ReadOnly, write_atomically
from stranglerfig.config.yaml_source import read_yaml
from stranglerfig.config.yaml_tree import Node, NodeKind, parse_tree

__all__ = ["Changed", "EditError", "ReadOnly", "set_stage", "write_atomically"]

_QUOTES: Final = ("'", '"')
_BY_HAND: Final = "change the file by hand"


def set_stage(text: str, capability: str, stage: Stage, share: int | None = None) -> str:
    """``text`` with the stage of ``capability``, and its percent if ``share`` is given (hundredths, 0..10000).

    Raises EditError if there is no such capability, or if its spelling leaves no way to change one word; ConfigError
    if ``text`` is not YAML.
    """
    text = _set(text, capability, "stage", stage.value, after="upstream")
    if share is not None:
        percent = Decimal(share) / 100
        number = int(percent) if percent == int(percent) else float(percent)
        text = _set(text, capability, "percent", number, after="stage")
    return text


def _set(text: str, capability: str, key: str, value: str | float, *, after: str) -> str:
    before, _ = read_yaml(text, "fig.yaml")
    node = _capability(text, capability)
    found = node.get(key)
    if found is None:
        changed = _insert(text, node, key, str(value), after)
    elif found.kind is NodeKind.SCALAR and found.value == value:
        return text
    else:
        changed = _replace(text, node, key, str(value))
    if not _differs_only_so(before, changed, (capability, key), value):
        raise EditError(
            f"capability {capability!r} is written in a way that keeps {key!r} from being changed alone",
            _BY_HAND,
        )
    return changed


def _capability(text: str, capability: str) -> Node:
    root = parse_tree(text, "fig.yaml")
    node = root.get("capabilities") if root else None
    node = node.get(capability) if node else None
    if node is None:
        raise EditError(
            f"there is no capability {capability!r} in the file", "look at its spelling"
        )
    if node.kind is not NodeKind.MAPPING or not node.entries:
        raise EditError(f"capability {capability!r} has no keys", "give it an upstream and routes")
    return node


def _replace(text: str, mapping: Node, key: str, word: str) -> str:
    name, node = next(entry for entry in mapping.entries if entry[0].text == key)
    old = text[node.start : node.end]
    if not old:
        # The parser sets an empty value where the next thing begins, maybe lines below.
        colon = text.find(":", name.end) + 1
        return f"{text[:colon]} {word}{text[colon:]}"
    if old[0] in _QUOTES and not isinstance(node.value, int | float):
        word = f"{old[0]}{word}{old[0]}"
    return text[: node.start] + word + text[node.end :]


def _insert(text: str, mapping: Node, key: str, word: str, after: str) -> str:
    anchor = next(
        (entry for entry in mapping.entries if entry[0].text == after), mapping.entries[0]
    )
    if mapping.flow:
        quote = '"' if text[anchor[0].start] == '"' else ""
        is_word = quote and not word[0].isdigit()
        value = f"{quote}{word}{quote}" if is_word else word
        end = anchor[1].end
        return f"{text[:end]}, {quote}{key}{quote}: {value}{text[end:]}"
    first = mapping.entries[0][0]
    indent = text[text.rfind("\n", 0, first.start) + 1 : first.start]
    if anchor[1].kind is not NodeKind.SCALAR:
        # Below a value of several lines it would stand far from the top: it goes in front of the first key.
        newline = _newline(text, first.end)
        return f"{text[: first.start]}{key}: {word}{newline}{indent}{text[first.start :]}"
    line_end = text.find("\n", anchor[1].end)
    newline = _newline(text, anchor[1].end)
    if line_end < 0:
        return f"{text}{newline}{indent}{key}: {word}"
    line_end -= text[line_end - 1] == "\r"
    return f"{text[:line_end]}{newline}{indent}{key}: {word}{text[line_end:]}"


def _newline(text: str, near: int) -> str:
    """The line end in use: of the line at ``near``, else of the file."""
    found = text.find("\n", near)
    found = text.find("\n") if found < 0 else found
    return "\r\n" if found > 0 and text[found - 1] == "\r" else "\n"


def _differs_only_so(before: Any, changed: str, place: tuple[str, str], value: str | float) -> bool:
    try:
        after, _ = read_yaml(changed, "fig.yaml")
    except ConfigError:
        return False
    wanted = deepcopy(before)
    capability, key = place
    wanted["capabilities"][capability][key] = value
    return bool(after == wanted)
