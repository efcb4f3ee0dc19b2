"""Blocks with a ``from:`` above them: equal to the file's, or rewritten to be."""

from guidebook.pages import DirectiveError, Fence, Page, read_directive
from guidebook.problem import Problem
from guidebook.regions.find import RegionError, find_region
from guidebook.repository import Repository


def check_quotes(page: Page, repository: Repository) -> list[Problem]:
    """What is quoted and does not exist, or says something else."""
    problems: list[Problem] = []
    for fence, target in _quotes(page):
        try:
            wanted = find_region(repository.root, frozenset(repository.files), target)
        except RegionError as error:
            problems.append(Problem(page.name, fence.line - 1, error.message, error.mend))
            continue
        if any(line.lstrip().startswith(fence.marker) for line in wanted):
            mend = f"use a longer one than {fence.marker}"
            problems.append(Problem(page.name, fence.line, f"{target} would end the fence", mend))
        elif list(fence.lines) != wanted:
            problems.append(
                Problem(
                    page.name,
                    fence.line,
                    f"the code is not that of {target}",
                    "run `python -m guidebook sync`",
                )
            )
    return problems


def synced(page: Page, repository: Repository) -> tuple[str, list[Problem]]:
    """The page's text with every quote as the file has it now, and what could not be found."""
    problems: list[Problem] = []
    source = page.text.split("\n")
    for fence, target in reversed(_quotes(page)):
        try:
            wanted = find_region(repository.root, frozenset(repository.files), target)
        except RegionError as error:
            problems.append(Problem(page.name, fence.line - 1, error.message, error.mend))
            continue
        if fence.closed and not any(line.lstrip().startswith(fence.marker) for line in wanted):
            lines = [f"{fence.indent}{line}".rstrip() for line in wanted]
            source[fence.line : fence.line + len(fence.lines)] = lines
    return "\n".join(source), list(reversed(problems))


def _quotes(page: Page) -> list[tuple[Fence, str]]:
    found = []
    for fence in page.fences:
        if fence.comment is None:
            continue
        try:
            directive = read_directive(fence.comment.text)
        except DirectiveError:
            continue  # the check of the format tells it
        if directive and directive.kind == "from":
            found.append((fence, directive.target))
    return found
