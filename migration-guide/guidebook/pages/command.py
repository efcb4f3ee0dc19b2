"""A console block as what is typed and what is shown for it.

``$ `` begins a command, ``> `` goes on with it, every other line is output. ``^C`` on the first line presses Ctrl-C.
"""

from dataclasses import dataclass

from guidebook.pages.directive import Directive
from guidebook.pages.page import Fence
from guidebook.problem import Problem

_LONGEST_LINE = 4000  # a terminal that gathers whole lines takes 4,096 bytes of one
_MISSING_COMMAND = "begin the command with `$ `"


@dataclass(frozen=True, slots=True)
class Command:
    """What is typed, line by line, and the lines shown below it."""

    line: int
    typed: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.typed)


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Ctrl-C for what stays in this terminal, and the lines shown below it."""

    line: int
    shown: tuple[str, ...]

    @property
    def text(self) -> str:
        return "^C"


@dataclass(frozen=True, slots=True)
class Block:
    """A console block: what is done in one terminal, in order. The directive's options are the last one's."""

    line: int
    directive: Directive
    actions: tuple[Command | Interrupt, ...]


def read_block(fence: Fence, directive: Directive, page: str) -> tuple[Block, list[Problem]]:
    """Read a console fence; what is wrong with it stands in the list, and then it can't be run."""
    problems: list[Problem] = []
    actions: list[Command | Interrupt] = []
    typed: list[str] = []
    shown: list[str] = []
    begun: int | None = None  # the line of the command (or ^C) that the output belongs to
    pressed = False

    def end() -> None:
        nonlocal begun, pressed
        if begun is not None:
            actions.append(
                Interrupt(begun, tuple(shown))
                if pressed
                else Command(begun, tuple(typed), tuple(shown))
            )
        typed.clear()
        shown.clear()
        begun, pressed = None, False

    for line, text in enumerate(fence.lines, start=fence.line + 1):
        if trouble := _trouble(text):
            problems.append(Problem(page, line, *trouble))
        if text.startswith("$ ") or text == "$":
            end()
            begun = line
            typed.append(text[2:])
            if not text[2:].strip():
                problems.append(Problem(page, line, "there is no command after `$`", "write one"))
        elif text == "^C" and line == fence.line + 1:
            begun, pressed = line, True
        elif begun is None:
            problems.append(
                Problem(page, line, "output is shown before any command", _MISSING_COMMAND)
            )
            break
        elif (text.startswith("> ") or text == ">") and typed and not shown:
            typed.append(text[2:])
        else:
            shown.append(text)
    end()
    if not actions and not problems:
        problems.append(Problem(page, fence.line, "the block has no command", _MISSING_COMMAND))
    if directive.stays and actions and isinstance(actions[-1], Interrupt):
        problems.append(Problem(page, fence.line, "`^C` can't stay", "take `stays` away"))
    return Block(fence.line, directive, tuple(actions)), problems


def _trouble(text: str) -> tuple[str, str] | None:
    if any((ord(sign) < 0x20 and sign != "\t") or ord(sign) == 0x7F for sign in text):
        return "there is a control character in it", "take it away; a terminal would obey it"
    if "\t" in text and text.startswith(("$ ", "> ")):
        return "there is a tab in what is typed", "use spaces; in a terminal a tab completes words"
    if len(text.encode()) > _LONGEST_LINE:
        return f"the line is longer than {_LONGEST_LINE} bytes", "break it after a backslash"
    return None
