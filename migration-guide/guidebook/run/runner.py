"""The flow of a run: pages, blocks, commands; the first that differs ends it."""

import time
from collections.abc import Iterable
from pathlib import Path

from ruamel.yaml import YAML

from guidebook.book import STEP, Entry
from guidebook.expected import Shown, difference, fits, fits_beginning
from guidebook.pages import Block, Command, Directive, Interrupt
from guidebook.run.environment import Workshop
from guidebook.run.report import FailedError, Failure, Mark, PageReport, Report, Watcher
from guidebook.run.script import script
from guidebook.terminal import (
    Answer,
    MistypedError,
    Output,
    ShellEndedError,
    Terminal,
    TooLongError,
)

_ASK_AGAIN_AFTER_S = 0.5
MADE_CONFIG = Path(".guide/fig.yaml")
STEP_CONFIG = "fig.yaml"


class Runner:
    """Runs pages in one workshop, in the order given."""

    def __init__(self, workshop: Workshop, watcher: Watcher) -> None:
        self._workshop = workshop
        self._watcher = watcher
        self._stays: dict[str, tuple[str, Command]] = {}
        """What runs in a terminal, and the page that started it."""

    def run(self, entries: Iterable[Entry]) -> Report:
        """Run until the end or the first failure."""
        report = Report()
        begun = time.monotonic()
        try:
            for entry in entries:
                self._run_page(entry, report, begun)
        except FailedError as failed:
            report.failure = failed.failure
        report.seconds = time.monotonic() - begun
        return report

    def _run_page(self, entry: Entry, report: Report, begun: float) -> None:
        page = PageReport(entry.page.name)
        report.pages.append(page)
        self._watcher.page_begins(page.page)
        page_begun = time.monotonic()
        try:
            for item in script(entry.page):
                if isinstance(item, str):
                    mark = Mark(item, time.monotonic() - begun)
                    report.marks.append(mark)
                    self._watcher.mark_reached(mark)
                elif item.directive.skip is not None:
                    page.skipped += len(item.actions)
                else:
                    self._run_block(item, page)
            if entry.kind == STEP:
                self._compare_config(entry)
        finally:
            page.seconds = time.monotonic() - page_begun

    def _run_block(self, block: Block, page: PageReport) -> None:
        plain = Directive(
            "run", terminal=block.directive.terminal, within_s=block.directive.within_s
        )
        for action in block.actions:
            self._check_stays(page.page, action)
            directive = block.directive if action is block.actions[-1] else plain
            self._watcher.command_begins(page.page, directive.terminal, action)
            begun = time.monotonic()
            fine = False
            try:
                self._act(action, directive, page.page)
                page.commands += 1
                fine = True
            finally:
                self._watcher.command_ended(time.monotonic() - begun, fine=fine)

    def _act(self, action: Command | Interrupt, directive: Directive, page: str) -> None:
        place = (page, action.line, action.text)
        shown = Shown(action.shown, str(self._workshop.clone))
        try:
            terminal = self._workshop.terminal(directive.terminal)
            if isinstance(action, Interrupt):
                self._interrupt(terminal, action, directive, page)
            elif terminal.name in self._stays:
                other, running = self._stays[terminal.name]
                why = (
                    f"terminal {terminal.name} is busy with {other}:{running.line}: {running.text}"
                )
                raise FailedError(Failure(*place, why))
            elif directive.stays:
                self._start(terminal, action, directive, page)
            elif directive.eventually_s is not None:
                self._ask_until_fits(terminal, action, directive, page)
            else:
                answer = terminal.run(action.typed, directive.within_s)
                _judge(answer, directive.exit or 0, shown, place)
        except TooLongError as error:
            why = f"no end within {directive.within_s:g} s"
            if directive.stays:
                why = f"not all that is shown came within {directive.within_s:g} s"
            raise FailedError(_differs(place, why, shown, error.output)) from None
        except MistypedError as error:
            raise FailedError(_misread(place, error)) from None
        except ShellEndedError as error:
            raise FailedError(Failure(*place, str(error))) from None

    def _start(self, terminal: Terminal, command: Command, directive: Directive, page: str) -> None:
        shown = Shown(command.shown, str(self._workshop.clone))
        place = (page, command.line, command.text)
        terminal.type(command.typed, time.monotonic() + directive.within_s)
        output = terminal.wait_for(
            lambda output: (
                len(output.lines) > len(shown.lines) or fits_beginning(shown, output.lines)
            ),
            directive.within_s,
        )
        if not terminal.is_busy():
            why = f"it shall stay, and has ended with exit code {terminal.last_exit()}"
            raise FailedError(_differs(place, why, shown, output))
        if not fits_beginning(shown, output.lines):
            raise FailedError(
                _differs(place, "it begins differently from what is shown", shown, output)
            )
        self._stays[terminal.name] = (page, command)

    def _interrupt(
        self, terminal: Terminal, action: Interrupt, directive: Directive, page: str
    ) -> None:
        place = (page, action.line, action.text)
        if terminal.name not in self._stays:
            raise FailedError(Failure(*place, f"nothing stays in terminal {terminal.name}"))
        answer = terminal.interrupt()
        del self._stays[terminal.name]
        shown = Shown(action.shown, str(self._workshop.clone))
        lines = tuple(answer.output.lines)
        if not action.shown:  # what a server says at its end is of no interest then
            shown, lines = Shown(lines, shown.folder), lines
        while lines and not lines[-1]:  # bash begins a new line after a Ctrl-C
            lines = lines[:-1]
        wanted = answer.exit if directive.exit is None else directive.exit
        shown = Shown(lines, shown.folder) if not action.shown else shown
        _judge(Answer(answer.exit, Output(lines, answer.output.dropped)), wanted, shown, place)

    def _ask_until_fits(
        self, terminal: Terminal, command: Command, directive: Directive, page: str
    ) -> None:
        shown = Shown(command.shown, str(self._workshop.clone))
        place = (page, command.line, command.text)
        deadline = time.monotonic() + (directive.eventually_s or 0)
        while True:
            asked = time.monotonic()
            answer = terminal.run(command.typed, max(1.0, deadline - asked))
            if answer.exit == (directive.exit or 0) and fits(shown, answer.output.lines):
                return
            if time.monotonic() > deadline:
                why = f"not within {directive.eventually_s:g} s; the last answer was another one"
                raise FailedError(_differs(place, why, shown, answer.output))
            time.sleep(max(0.0, asked + _ASK_AGAIN_AFTER_S - time.monotonic()))

    def _check_stays(self, page: str, action: Command | Interrupt) -> None:
        """What shall stay must have stayed, or the next command would be blamed."""
        for name, (started_in, command) in self._stays.items():
            terminal = self._workshop.terminals[name]
            if not terminal.is_busy():
                why = (
                    f"it should have stayed, and had ended with exit code {terminal.last_exit()} "
                    f"before {page}:{action.line} ({action.text})"
                )
                raise FailedError(
                    Failure(
                        started_in,
                        command.line,
                        command.text,
                        why,
                        tuple(f"  {line}" for line in terminal.output().lines[-20:]),
                    )
                )

    def _compare_config(self, entry: Entry) -> None:
        """The fig.yaml that the reader has now is the one that the step says it leaves."""
        told = entry.folder / STEP_CONFIG
        if not told.exists():
            return
        made = self._workshop.clone / MADE_CONFIG
        place = (entry.page.name, 1, f"{MADE_CONFIG} after the step")
        if not made.exists():
            raise FailedError(Failure(*place, f"the step has made no {MADE_CONFIG}"))
        yaml = YAML(typ="safe")
        if yaml.load(told) != yaml.load(made):
            shown = Shown(tuple(told.read_text().splitlines()), str(self._workshop.clone))
            diff = tuple(difference(shown, made.read_text().splitlines()))
            raise FailedError(
                Failure(*place, f"it is not what {told.parent.name}/{told.name} says", diff)
            )


def _judge(answer: Answer, wanted: int, shown: Shown, place: tuple[str, int, str]) -> None:
    if answer.exit != wanted:
        why = f"exit code {answer.exit}, not {wanted}"
        raise FailedError(_differs(place, why, shown, answer.output))
    if answer.output.dropped or not fits(shown, answer.output.lines):
        raise FailedError(_differs(place, "the output is not what is shown", shown, answer.output))


def _differs(place: tuple[str, int, str], why: str, shown: Shown, output: Output) -> Failure:
    if output.dropped:
        why += f" (and {output.dropped:,} bytes more came than are kept)"
    return Failure(*place, why, tuple(difference(shown, output.lines)))


def _misread(place: tuple[str, int, str], error: MistypedError) -> Failure:
    page, line, command = place
    if error.wants_more:
        return Failure(page, line, command, "the shell waits for the rest of the command")
    why = "the command had ended on the line before; begin the next one with `$ `"
    return Failure(page, line + error.line, command, why)
