"""A console block as what is typed and what is shown for it."""

import pytest

from guidebook.pages import Block, Command, Directive, Fence, Interrupt, read_block
from guidebook.problem import Problem


def read(*lines: str, directive: Directive | None = None) -> tuple[Block, list[Problem]]:
    fence = Fence(line=10, language="console", lines=lines, closed=True)
    return read_block(fence, directive or Directive("run"), "page.md")


@pytest.mark.parametrize(
    ("lines", "actions"),
    [
        (("$ true",), [Command(11, ("true",), ())]),
        (("$ echo a", "a"), [Command(11, ("echo a",), ("a",))]),
        (
            ("$ echo a", "a", "$ echo b", "b"),
            [Command(11, ("echo a",), ("a",)), Command(13, ("echo b",), ("b",))],
        ),
        (("$ printf 'a\\n\\n'", "a", ""), [Command(11, ("printf 'a\\n\\n'",), ("a", ""))]),
        (("$ echo \\", "> a", "a"), [Command(11, ("echo \\", "a"), ("a",))]),
        (
            ("$ cat <<X", "> $ a", ">", ">  b", "> X", "$ a", "", " b"),
            [Command(11, ("cat <<X", "$ a", "", " b", "X"), ()), Command(16, ("a",), ("", " b"))],
        ),
        (("$ quote", "said:", "> a"), [Command(11, ("quote",), ("said:", "> a"))]),
        (("$ echo '$5'", "$5"), [Command(11, ("echo '$5'",), ("$5",))]),
        (("^C",), [Interrupt(11, ())]),
        (("^C", "bye", "$ true"), [Interrupt(11, ("bye",)), Command(13, ("true",), ())]),
        (("$ cat a", "^C"), [Command(11, ("cat a",), ("^C",))]),
        (("$   indented",), [Command(11, ("  indented",), ())]),
    ],
)
def test_a_block_is_read_as(lines: tuple[str, ...], actions: list[Command | Interrupt]) -> None:
    block, problems = read(*lines)
    assert list(block.actions) == actions
    assert problems == []


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ((), 10, "the block has no command"),
        (("a", "b"), 11, "output is shown before any command"),
        (("> a",), 11, "output is shown before any command"),
        (("", "$ true"), 11, "output is shown before any command"),
        (("$",), 11, "there is no command after `$`"),
        (("$  ",), 11, "there is no command after `$`"),
        (("$ echo\ta", "a"), 11, "there is a tab in what is typed"),
        (("$ cat <<X", "> \ta", "> X"), 12, "there is a tab in what is typed"),
        (("$ echo \x04",), 11, "there is a control character in it"),
        (("$ echo a", "\x1b[1ma"), 12, "there is a control character in it"),
        (("$ echo " + "ä" * 2000,), 11, "the line is longer than 4000 bytes"),
    ],
)
def test_a_block_that_cannot_be_typed_is_refused(
    lines: tuple[str, ...], line: int, message: str
) -> None:
    _, problems = read(*lines)
    assert [(problem.line, problem.message) for problem in problems] == [(line, message)]


def test_output_may_have_tabs() -> None:
    assert read("$ cat table", "a\tb")[1] == []


def test_ctrl_c_does_not_stay() -> None:
    _, problems = read("^C", directive=Directive("run", stays=True))
    assert [problem.message for problem in problems] == ["`^C` can't stay"]
