"""A page as a list of what the checks and the runner look at: headings, fences, comments, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: ``level`` as many as it has signs, ``text`` without its marks."""

    line: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Comment:
    """An HTML comment: no renderer shows it."""

    line: int
    last_line: int
    text: str
    alone: bool
    """On lines of its own: not inside a paragraph, where it can stand above nothing."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code. ``line`` is that of the opening fence; the content begins on the next one."""

    line: int
    language: str
    lines: tuple[str, ...]
    closed: bool
    indent: str = ""
    """What stands before each line, where the block belongs to a list."""
    marker: str = "```"
    comment: Comment | None = None
    """The one that ends on the line directly above."""


@dataclass(frozen=True, slots=True)
class IndentedCode:
    """Code by indentation: the format has no place for it."""

    line: int


@dataclass(frozen=True, slots=True)
class Link:
    """A link or a picture, as written."""

    line: int
    target: str
    text: str


@dataclass(slots=True)
class Page:
    """One Markdown file. ``name`` is how messages call it."""

    path: Path
    name: str
    text: str
    headings: list[Heading] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    indented: list[IndentedCode] = field(default_factory=list)

    def in_order(self) -> list[Fence | Comment]:
        """Fences and comments as they follow each other."""
        return sorted([*self.fences, *self.comments], key=lambda item: item.line)


def read_page(path: Path, name: str, text: str | None = None) -> Page:
    """Parse a page. Raises OSError or UnicodeDecodeError if it cannot be read."""
    text = path.read_text(encoding="utf-8") if text is None else text
    page = Page(path, name, text)
    source = text.split("\n")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    fences: list[Token] = []
    for place, token in enumerate(tokens):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            fences.append(token)
        elif token.type == "code_block":
            page.indented.append(IndentedCode(line))
        elif token.type == "html_block":
            page.comments += _comments(token.content, line)
        elif token.type == "inline":
            if tokens[place - 1].type == "heading_open":
                level = int(tokens[place - 1].tag[1:])
                page.headings.append(Heading(line, level, _words(token)))
            page.links += _links(token, line)
            page.comments += [
                Comment(at, at, _inside(child.content), alone=False)
                for child, at in _with_lines(token, line)
                if child.type == "html_inline" and child.content.startswith("<!--")
            ]
    above = {comment.last_line: comment for comment in page.comments if comment.alone}
    page.fences = [_fence(token, source, above) for token in fences]
    return page


def _comments(content: str, line: int) -> Iterator[Comment]:
    """The comments of a block of HTML that begins on ``line``."""
    for found in _COMMENT.finditer(content):
        first = line + content.count("\n", 0, found.start())
        last = line + content.count("\n", 0, found.end())
        yield Comment(first, last, found[1].strip(), alone=True)


def _fence(token: Token, source: list[str], above: dict[int, Comment]) -> Fence:
    first, end = token.map or [0, 0]
    opening = source[first]
    content = token.content.removesuffix("\n")
    lines = tuple(content.split("\n")) if token.content else ()
    # Without a closing fence the block goes on to the end of what holds it.
    closing = source[end - 1].strip(" \t>") if end - 1 > first else ""
    closed = bool(closing) and not closing.strip(token.markup[0])
    closed = closed and len(closing) >= len(token.markup) and end - first - 2 == len(lines)
    return Fence(
        line=first + 1,
        language=token.info.strip(),
        lines=lines,
        closed=closed,
        indent=opening[: opening.index(token.markup)],
        marker=token.markup,
        comment=above.get(first),
    )


def _with_lines(token: Token, line: int) -> Iterator[tuple[Token, int]]:
    """The parts of a paragraph, each with the line it stands on."""
    for child in token.children or ():
        yield child, line
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        else:
            line += child.content.count("\n")


def _links(token: Token, line: int) -> Iterator[Link]:
    children = list(_with_lines(token, line))
    for place, (child, at) in enumerate(children):
        if child.type == "link_open":
            text = next((part.content for part, _ in children[place + 1 :] if part.content), "")
            yield Link(at, str(child.attrs.get("href", "")), text)
        elif child.type == "image":
            yield Link(at, str(child.attrs.get("src", "")), child.content)


def _words(token: Token) -> str:
    """A heading's text as it is read: code and links without their marks."""
    kept = ("text", "code_inline", "softbreak")
    return "".join(
        " " if child.type == "softbreak" else child.content
        for child in token.children or ()
        if child.type in kept
    )


def _inside(comment: str) -> str:
    return comment.removeprefix("<!--").removesuffix("-->").strip()
