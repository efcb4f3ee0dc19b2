"""Is every block what the format knows, with a comment that means something?"""

from collections.abc import Iterator

from guidebook.book import READING, Book, Entry
from guidebook.pages import (
    Comment,
    Directive,
    DirectiveError,
    Fence,
    Page,
    read_block,
    read_directive,
)
from guidebook.problem import Problem
from guidebook.run.script import CONSOLE

TEXT = "text"
MOST_SKIPPED = 3  # a guide that is not run may be wrong


def check_form(book: Book) -> Iterator[Problem]:
    """Fences, comments, and what stands in console blocks."""
    marks: dict[str, str] = {}
    for entry in book.entries:
        page = entry.page
        for code in page.indented:
            yield Problem(
                page.name, code.line, "code by indentation can't be proved", "use a fence"
            )
        above = {fence.line - 1: fence for fence in page.fences}
        for comment in page.comments:
            yield from _check_comment(comment, above.get(comment.last_line), page, marks)
        for fence in page.fences:
            yield from _check_fence(fence, entry)
    for page_name, line, _ in skipped_blocks(book)[MOST_SKIPPED:]:
        yield Problem(
            page_name,
            line,
            f"more than {MOST_SKIPPED} blocks of the guide are skipped",
            "let this one run, or make it `text`",
        )


def skipped_blocks(book: Book) -> list[tuple[str, int, str]]:
    """Page, line and reason of each block that a run leaves out."""
    found = []
    for entry in book.entries:
        for fence in entry.page.fences:
            directive = _directive(fence)
            if fence.language == CONSOLE and directive and directive.skip is not None:
                found.append((entry.page.name, fence.line, directive.skip))
    return found


def _check_comment(
    comment: Comment, fence: Fence | None, page: Page, marks: dict[str, str]
) -> Iterator[Problem]:
    try:
        directive = read_directive(comment.text)
    except DirectiveError as error:
        yield Problem(page.name, comment.line, error.message, error.mend)
        return
    if directive is None:
        return
    if not comment.alone:
        yield Problem(
            page.name,
            comment.line,
            f"the comment `{directive.kind}:` is in the middle of a paragraph",
            "give it a line of its own",
        )
    elif directive.kind == "mark":
        place = f"{page.name}:{comment.line}"
        if other := marks.get(directive.target):
            yield Problem(
                page.name, comment.line, f"the mark is in {other} already", "give it another name"
            )
        marks.setdefault(directive.target, place)
    elif fence is None:
        yield Problem(
            page.name,
            comment.line,
            f"the comment `{directive.kind}:` stands above no block of code",
            "put it on the line directly above the fence",
        )
    elif (directive.kind == "run") != (fence.language == CONSOLE):
        wants = "a `console` block" if directive.kind == "run" else "a block that is no `console`"
        yield Problem(
            page.name, comment.line, f"`{directive.kind}:` is for {wants}", "change either"
        )


def _check_fence(fence: Fence, entry: Entry) -> Iterator[Problem]:
    page = entry.page.name
    directive = _directive(fence)
    if not fence.closed:
        yield Problem(page, fence.line, "the block is never closed", f"write {fence.marker} below")
    if fence.language == CONSOLE:
        if entry.kind == READING:
            yield Problem(
                page,
                fence.line,
                "a page for reading has commands, and nothing runs them",
                "make it a chapter in guide.yaml, or the block `text`",
            )
        run = directive if directive and directive.kind == "run" else Directive("run")
        yield from read_block(fence, run, page)[1]
    elif fence.language != TEXT and not (directive and directive.kind == "from"):
        yield Problem(
            page,
            fence.line,
            f"the block ({fence.language or 'no language'}) is neither run nor quoted",
            "make it `console`, name its file by `<!-- from: … -->`, or call it `text`",
        )


def _directive(fence: Fence) -> Directive | None:
    try:
        return read_directive(fence.comment.text) if fence.comment else None
    except DirectiveError:
        return None
