"""Markdown as blocks with their lines, whatever Markdown it is."""

from pathlib import Path

import pytest

from guidebook.pages import Fence, Page, read_page


def page(*lines: str) -> Page:
    return read_page(Path("page.md"), "page.md", "\n".join(lines))


def test_blocks_have_the_lines_they_stand_on() -> None:
    found = page(
        "# A title with `code` and a [link](a.md)",
        "",
        "Words, and",
        "![a picture](b.svg), then",
        "[another](c.md#part).",
        "",
        "<!-- mark: here -->",
        "",
        "<!-- run: stays -->",
        "```console",
        "$ serve",
        "```",
        "## Part",
    )
    assert [(item.line, item.level, item.text) for item in found.headings] == [
        (1, 1, "A title with code and a link"),
        (13, 2, "Part"),
    ]
    assert [(item.line, item.target) for item in found.links] == [
        (1, "a.md"),
        (4, "b.svg"),
        (5, "c.md#part"),
    ]
    assert [(item.line, item.text) for item in found.comments] == [
        (7, "mark: here"),
        (9, "run: stays"),
    ]
    (fence,) = found.fences
    assert (fence.line, fence.language, fence.lines) == (10, "console", ("$ serve",))
    assert fence.comment is found.comments[1]
    assert found.in_order() == [found.comments[0], found.comments[1], fence]


@pytest.mark.parametrize(
    ("lines", "language", "content", "closed"),
    [
        (("```text", "a", "```"), "text", ("a",), True),
        (("~~~text", "a", "~~~"), "text", ("a",), True),
        (("````text", "```", "````"), "text", ("```",), True),
        (("```text", "```"), "text", (), True),
        (("```text", "", "```"), "text", ("",), True),
        (("```text", "a", "", "```  "), "text", ("a", ""), True),
        (("```text", "a"), "text", ("a",), False),
        (("```text",), "text", (), False),
        (("```text", "a", "~~~"), "text", ("a", "~~~"), False),
        (("````text", "a", "```"), "text", ("a", "```"), False),
        (("- item", "", "  ```text", "  a", "  ```"), "text", ("a",), True),
        (("- item", "", "  ```text", "  a", "no item"), "text", ("a",), False),
        (("> ```text", "> a", "> ```"), "text", ("a",), True),
        (("> ```text", "> a", "", "words"), "text", ("a",), False),
        (("```", "a", "```"), "", ("a",), True),
    ],
)
def test_a_fence_is_read_whole_and_known_to_be_closed(
    lines: tuple[str, ...], language: str, content: tuple[str, ...], closed: bool
) -> None:
    (fence,) = page(*lines).fences
    assert (fence.language, fence.lines, fence.closed) == (language, content, closed)


@pytest.mark.parametrize(
    ("lines", "text", "alone"),
    [
        (("<!-- run: stays -->",), "run: stays", True),
        (("<!--run: stays-->",), "run: stays", True),
        (("<!--", "run: stays", "-->"), "run: stays", True),
        (("words <!-- run: stays --> words",), "run: stays", False),
        (("- item", "  <!-- run: stays -->"), "run: stays", True),
    ],
)
def test_a_comment_is_found_wherever_it_stands(
    lines: tuple[str, ...], text: str, alone: bool
) -> None:
    (comment,) = page(*lines).comments
    assert (comment.text, comment.alone, comment.last_line) == (text, alone, len(lines))


@pytest.mark.parametrize(
    "lines",
    [
        ("<!-- run: stays -->", "", "```text", "```"),
        ("words <!-- run: stays -->", "```text", "```"),
        ("```text", "<!-- run: stays -->", "```"),
    ],
)
def test_a_comment_belongs_to_a_block_only_from_the_line_above(lines: tuple[str, ...]) -> None:
    (fence,) = page(*lines).fences
    assert fence.comment is None


def test_code_by_indentation_is_found() -> None:
    found = page("Words", "", "    $ rm -r here")
    assert [code.line for code in found.indented] == [3]
    assert not found.fences


def test_what_a_block_contains_is_neither_heading_nor_link() -> None:
    found = page("```text", "# no heading", "[no link](nowhere.md)", "```")
    assert (found.headings, found.links) == ([], [])
    assert isinstance(found.fences[0], Fence)


@pytest.mark.parametrize(
    "text", ["", "\n", "```", "<!--", "- ```\n```", "[", "\x00", "\r\n```text\r\na\r\n```\r\n"]
)
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    read_page(Path("page.md"), "page.md", text)
