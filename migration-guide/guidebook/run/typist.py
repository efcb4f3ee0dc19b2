"""Does one action of a page as its reader would, and compares what comes with what the page shows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guidebook.expected import Shown, difference, read, read_beginning
from guidebook.pages import Command, Directive, Interrupt
from guidebook.run.environment import Workshop
from guidebook.run.report import FailedError, Failure
from guidebook.terminal import (
    Answer,
    LateError,
    MistypedError,
    Output,
    ShellEndedError,
    Terminal,
    TooLongError,
)

_ASK_AGAIN_AFTER_S = 0.5
_SHORTEST_ASK_S = 30.0  # the last time asked shall be answered, so that its answer can be told
_LAST_LINES = 20
_CTRL_C_EXITS = (0, 130)  # of what tidies up and ends, and of what lets the signal end it


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a failure is told."""

    page: str
    line: int
    text: str
    shown: Shown
    names: dict[str, str]

    def fits(self, got: Sequence[str]) -> bool:
        """Is it what is shown? Then its names stand for what came, as far as the page goes."""
        return self._learn(read(self.shown, got))

    def begins(self, got: Sequence[str]) -> bool:
        """Does it begin with what is shown?"""
        return self._learn(read_beginning(self.shown, got))

    def _learn(self, names: Mapping[str, str] | None) -> bool:
        self.names.update(names or {})
        return names is not None

    def failure(self, why: str, output: Output | None = None) -> FailedError:
        """With what came beside what is shown, if it is about that."""
        if output is None:
            return FailedError(Failure(self.page, self.line, self.text, why))
        if output.dropped:
            why += f" (beyond what is kept, {output.dropped:,} bytes more came)"
        diff = tuple(difference(self.shown, output.lines))
        return FailedError(Failure(self.page, self.line, self.text, why, diff))

    def late(self, output: Output) -> FailedError:
        """With what the terminal wrote when this command had ended."""
        why = "after its end, and before the next command, the terminal wrote more"
        lines = tuple(f"  {line}" for line in output.lines[:_LAST_LINES])
        return FailedError(Failure(self.page, self.line, self.text, why, lines))


class Typist:
    """Types into the terminals of one workshop, and knows what stays in which."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._stays: dict[str, _Place] = {}
        self._last: dict[str, _Place] = {}
        self._names: dict[str, dict[str, str]] = {}

    def do(self, page: str, action: Command | Interrupt, directive: Directive) -> None:
        """Do it. Raises FailedError when what comes is not what the page shows."""
        names = self._names.setdefault(page, {})
        shown = Shown(action.shown, str(self._workshop.clone), names)
        place = _Place(page, action.line, action.text, shown, names)
        self.check(f"{page}:{action.line}")
        try:
            terminal = self._workshop.terminal(directive.terminal)
            if isinstance(action, Interrupt):
                self._interrupt(terminal, directive, place)
            elif running := self._stays.get(terminal.name):
                where = f"{running.page}:{running.line}"
                raise place.failure(f"terminal {terminal.name} is busy with what {where} started")
            elif directive.stays:
                self._start(terminal, action, directive, place)
            elif directive.eventually_s is not None:
                _ask_until_fits(terminal, action, directive, place)
            else:
                answer = terminal.run(action.typed, directive.within_s)
                _judge(answer, directive.exit or 0, place)
            self._last[directive.terminal] = place
        except TooLongError as error:
            what = "not all that is shown came" if directive.stays else "no end"
            raise place.failure(f"{what} within {directive.within_s:g} s", error.output) from None
        except MistypedError as error:
            raise _misread(place, error) from None
        except LateError as error:
            raise self._last.get(directive.terminal, place).late(error.output) from None
        except ShellEndedError as error:
            raise place.failure(str(error)) from None

    def check(self, before: str) -> None:
        """See that what shall stay has stayed, and that what has ended is silent, or the next command would be blamed.

        Raises FailedError.
        """
        for name, started in self._stays.items():
            terminal = self._workshop.terminal(name)
            if not terminal.is_busy():
                code = terminal.last_exit()
                why = f"it shall stay, and had ended with exit code {code} before {before}"
                last = tuple(f"  {line}" for line in terminal.output().lines[-_LAST_LINES:])
                raise FailedError(Failure(started.page, started.line, started.text, why, last))
        for name, typed in self._last.items():
            if name not in self._stays and (late := self._workshop.terminal(name).late()):
                raise typed.late(late)

    def _start(
        self, terminal: Terminal, command: Command, directive: Directive, place: _Place
    ) -> None:
        shown = place.shown
        terminal.type(command.typed, directive.within_s)
        output = terminal.wait_for(
            lambda output: len(output.lines) > len(shown.lines) or place.begins(output.lines),
            directive.within_s,
        )
        if not terminal.is_busy():
            code = terminal.last_exit()
            raise place.failure(f"it shall stay, and has ended with exit code {code}", output)
        if not place.begins(output.lines):
            raise place.failure("it begins otherwise than the page shows", output)
        self._stays[terminal.name] = place

    def _interrupt(self, terminal: Terminal, directive: Directive, place: _Place) -> None:
        if terminal.name not in self._stays:
            raise place.failure(f"nothing stays in terminal {terminal.name}")
        answer = terminal.interrupt(directive.within_s)
        del self._stays[terminal.name]
        wanted = _CTRL_C_EXITS if directive.exit is None else (directive.exit,)
        if answer.exit not in wanted:
            either = " or ".join(map(str, wanted))
            raise place.failure(f"exit code {answer.exit}, not {either}", answer.output)
        lines = answer.output.lines
        while lines and not lines[-1]:  # bash begins a new line after a Ctrl-C
            lines = lines[:-1]
        # What was on its way when the key was pressed comes before.
        count = len(place.shown.lines)
        if count and not place.fits(lines[-count:]):
            raise place.failure("the last lines are not what the page shows", Output(lines))


def _ask_until_fits(
    terminal: Terminal, command: Command, directive: Directive, place: _Place
) -> None:
    within_s = directive.eventually_s or 0.0
    deadline = time.monotonic() + within_s
    while True:
        asked = time.monotonic()
        answer = terminal.run(command.typed, max(_SHORTEST_ASK_S, deadline - asked))
        if answer.exit == (directive.exit or 0) and place.fits(answer.output.lines):
            return
        if time.monotonic() > deadline:
            why = f"exit code {answer.exit} and another output still after {within_s:g} s"
            raise place.failure(why, answer.output)
        time.sleep(max(0.0, asked + _ASK_AGAIN_AFTER_S - time.monotonic()))


def _judge(answer: Answer, wanted: int, place: _Place) -> None:
    if answer.exit != wanted:
        raise place.failure(f"exit code {answer.exit}, not {wanted}", answer.output)
    if answer.output.dropped or not place.fits(answer.output.lines):
        raise place.failure("the output is not what the page shows", answer.output)


def _misread(place: _Place, error: MistypedError) -> FailedError:
    if error.wants_more:
        return place.failure("the shell waits for the rest of the command")
    why = "the command had ended on the line before; begin the next one with `$ `"
    return FailedError(Failure(place.page, place.line + error.line, place.text, why))
