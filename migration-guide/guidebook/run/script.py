"""A page as its run sees it: blocks and marks in order."""

from collections.abc import Iterator

from guidebook.pages import (
    Block,
    Directive,
    DirectiveError,
    Fence,
    Page,
    read_block,
    read_directive,
)
from guidebook.problem import GuideError, Problem

CONSOLE = "console"


def script(page: Page) -> Iterator[Block | str]:
    """The blocks to run, and the names of the marks between them. Raises GuideError."""
    for item in page.in_order():
        if isinstance(item, Fence):
            if item.language == CONSOLE:
                yield _block(item, page)
        elif (
            directive := _directive(item.text, page.name, item.line)
        ) and directive.kind == "mark":
            yield directive.target


def _block(fence: Fence, page: Page) -> Block:
    said = _directive(fence.comment.text, page.name, fence.comment.line) if fence.comment else None
    directive = said if said and said.kind == "run" else Directive("run")
    block, problems = read_block(fence, directive, page.name)
    if problems:
        raise GuideError(*problems)
    return block


def _directive(text: str, page: str, line: int) -> Directive | None:
    try:
        return read_directive(text)
    except DirectiveError as error:
        raise GuideError(Problem(page, line, error.message, error.mend)) from None


def marks(page: Page) -> list[str]:
    """The names of a page's marks. Raises GuideError if the page cannot be run."""
    return [item for item in script(page) if isinstance(item, str)]
