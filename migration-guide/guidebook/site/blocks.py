"""The comments above blocks become the blocks' titles: which terminal, how the last command ends, which file."""

from guidebook.pages import Directive, DirectiveError, Fence, Page, read_directive


def title_blocks(page: Page, text: str) -> str:
    """``text``, which has the page's lines, with a title on every block of commands or quoted code, without comments."""
    lines: list[str | None] = list(text.split("\n"))
    for comment in page.comments:
        if comment.alone:
            lines[comment.line - 1 : comment.last_line] = [None] * (
                comment.last_line - comment.line + 1
            )
    for fence in page.fences:
        if title := _title(fence):
            language = fence.language or "text"
            lines[fence.line - 1] = (
                f"{fence.indent}{fence.marker}{{code-block}} {language}\n"
                f"{fence.indent}:caption: {title}\n"
            )
    return "\n".join(line for line in lines if line is not None)


def _title(fence: Fence) -> str | None:
    try:
        said = read_directive(fence.comment.text) if fence.comment else None
    except DirectiveError:  # `guidebook check` tells of it
        said = None
    if said and said.kind == "from":
        return said.target.replace("::", " · ")
    if fence.language != "console":
        return None
    return _of_commands(said or Directive("run"))


def _of_commands(said: Directive) -> str:
    parts = [f"terminal {said.terminal}"]
    if said.skip is not None:
        parts.append("not run by the test")
    if said.stays:
        parts.append("keeps running")
    if said.exit is not None:
        parts.append(f"ends with {said.exit}")
    if said.eventually_s is not None:
        parts.append("ask again until it says so")
    return " · ".join(parts)
