"""YAML as a tree of nodes with their places, for reading with positions and for editing a word in place.

Built from the parser's events, so that what could do harm ends early: aliases (the way to a file that unfolds to
gigabytes), tags, a second document, deep nesting. A configuration needs none of them.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from stranglerfig.config.problem import ConfigError, Problem

MAX_CHARACTERS: Final = 1024 * 1024
MAX_DEPTH: Final = 24
KeyPath = tuple[str | int, ...]

# The core schema of YAML 1.2: `on`, `yes` and `12:30` are texts.
_NULL: Final = ("", "~", "null", "Null", "NULL")
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}  # fmt: skip
_INT: Final = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_FLOAT: Final = re.compile(
    r"[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)([eE][-+]?[0-9]{1,3})?", re.ASCII
)


class NodeKind(Enum):
    """What a node is."""

    SCALAR = "scalar"
    MAPPING = "mapping"
    SEQUENCE = "sequence"


@dataclass(slots=True)
class Node:
    """A value as it stands in the text: ``text[start:end]``; ``line`` and ``column`` count from 1."""

    kind: NodeKind
    start: int
    end: int
    line: int
    column: int
    text: str = ""
    plain: bool = False
    """Whether a scalar stands without quotes, so that it may mean a number or a truth value."""
    flow: bool = False
    """Whether a mapping or sequence is written with brackets."""
    entries: list[tuple["Node", "Node"]] = field(default_factory=list)
    items: list["Node"] = field(default_factory=list)

    def get(self, key: str) -> "Node | None":
        """The value of ``key`` in a mapping; the first if it is written twice."""
        return next((value for name, value in self.entries if name.text == key), None)

    @property
    def value(self) -> Any:
        """What a scalar means."""
        if not self.plain:
            return self.text
        if self.text in _NULL:
            return None
        if self.text in _BOOL:
            return _BOOL[self.text]
        if _INT.fullmatch(self.text):
            return int(self.text)
        if _FLOAT.fullmatch(self.text):
            return float(self.text)
        return self.text


def parse_tree(text: str, file: str) -> Node | None:
    """Read ``text`` to its root node, None if it holds nothing. Raises ConfigError."""
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(
            [Problem(file, 0, 0, "", "the file is larger than 1 MiB", "split or shorten it")]
        )
    try:
        return _Builder(file).build(text)
    except MarkedYAMLError as error:
        raise ConfigError([_syntax_problem(error, file)]) from None
    except ReaderError as error:
        before = text[: error.position]
        line = before.count("\n") + 1
        column = error.position - before.rfind("\n")
        message = f"the character U+{ord(text[error.position]):04X} cannot stand in YAML"
        raise ConfigError([Problem(file, line, column, "", message, "remove it")]) from None
    except YAMLError as error:
        raise ConfigError([Problem(file, 0, 0, "", str(error), "write valid YAML")]) from None


def _syntax_problem(error: MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    message = " ".join(str(error.problem or error.context or "not YAML").split())
    mend = "mend the YAML at this place, or just above it"
    if "'\\t'" in message:
        message, mend = "a tab stands where YAML wants spaces", "indent with spaces"
    elif "scanning an alias" in str(error.context):
        message = "a text that begins with * is not in quotes"
        mend = 'write it so: "* /shop/**"'
    elif "mapping values are not allowed" in message:
        message = "a colon stands where no key can begin"
        mend = "put a text that holds a colon in quotes, and look at the indentation"
    elif "found unexpected end of stream" in message and "quoted" in str(error.context):
        message, mend = "a quoted text has no end", "close the quotes"
        mark = error.context_mark or mark
    elif "expected <block end>" in message:
        message, mend = "this line fits to nothing above it", "look at its indentation"
    if mark is None:
        return Problem(file, 0, 0, "", message, mend)
    return Problem(file, mark.line + 1, mark.column + 1, "", message, mend)


class _Builder:
    """Puts the events of one document together."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._root: Node | None = None
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._documents = 0
        self._offset = 0

    def build(self, text: str) -> Node | None:
        # A byte order mark is no part of YAML's text, but it is of the file's.
        self._offset = 1 if text.startswith("\ufeff") else 0
        for event in YAML(typ="safe", pure=True).parse(text[self._offset :]):
            self._take(event)
        return self._root

    def _take(self, event: Event) -> None:
        match event:
            case DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._refuse(event.start_mark, "a second document begins", "keep one")
            case AliasEvent():
                self._refuse(
                    event.start_mark, f"*{event.anchor} is an alias", "write out what it stands for"
                )
            case ScalarEvent():
                self._refuse_tag(event, bool(event.implicit and any(event.implicit)))
                if any("\ud800" <= sign <= "\udfff" for sign in event.value):
                    self._refuse(
                        event.start_mark, "half of a character is escaped", "write the character"
                    )
                node = self._node(NodeKind.SCALAR, event)
                node.text, node.plain = event.value, event.style is None
                self._put(node)
            case MappingStartEvent() | SequenceStartEvent():
                self._refuse_tag(event, bool(event.implicit))
                is_mapping = isinstance(event, MappingStartEvent)
                node = self._node(NodeKind.MAPPING if is_mapping else NodeKind.SEQUENCE, event)
                node.flow = bool(event.flow_style)
                self._put(node)
                if len(self._open) == MAX_DEPTH:
                    self._refuse(
                        event.start_mark, "the nesting is too deep", "this file needs no such depth"
                    )
                self._open.append(node)
                self._keys.append(None)
            case MappingEndEvent() | SequenceEndEvent():
                self._open.pop().end = event.end_mark.index + self._offset
                self._keys.pop()

    def _node(self, kind: NodeKind, event: Event) -> Node:
        start = event.start_mark
        offset = self._offset
        return Node(
            kind,
            start.index + offset,
            event.end_mark.index + offset,
            start.line + 1,
            start.column + 1,
        )

    def _put(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if parent.kind is NodeKind.SEQUENCE:
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is not None:
            parent.entries.append((key, node))
            self._keys[-1] = None
            return
        if node.kind is not NodeKind.SCALAR:
            self._refuse_at(node.line, node.column, "a key is no text", "write a word and a colon")
        self._keys[-1] = node

    def _refuse_tag(self, event: Any, implicit: bool) -> None:
        if event.tag is not None or not implicit:
            self._refuse(
                event.start_mark, f"{event.tag or '!'} is a tag", "write the value without it"
            )

    def _refuse(self, mark: StreamMark, message: str, mend: str) -> NoReturn:
        self._refuse_at(mark.line + 1, mark.column + 1, message, mend)

    def _refuse_at(self, line: int, column: int, message: str, mend: str) -> NoReturn:
        raise ConfigError([Problem(self._file, line, column, "", message, mend)])
