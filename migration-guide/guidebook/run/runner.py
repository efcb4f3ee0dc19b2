"""The flow of a run: pages, blocks, commands; the first that differs ends it."""

import time
from collections.abc import Iterable

from guidebook.book import STEP, Entry
from guidebook.pages import Block, Directive
from guidebook.run.environment import Workshop
from guidebook.run.left_config import compare_config
from guidebook.run.report import Done, FailedError, Mark, PageReport, Report, Watcher
from guidebook.run.script import script
from guidebook.run.typist import Typist


class Runner:
    """Runs pages in one workshop, in the order given. ``begun`` is when the clock of the marks started."""

    def __init__(self, workshop: Workshop, watcher: Watcher, begun: float) -> None:
        self._workshop = workshop
        self._watcher = watcher
        self._begun = begun
        self._after: str | None = None
        self._typist = Typist(workshop)

    def run(
        self, entries: Iterable[Entry], *, after: str | None = None, until: str | None = None
    ) -> Report:
        """Run from the beginning, or the mark ``after``, to the end, the first failure, or the mark ``until``."""
        report = Report()
        self._after = after
        try:
            for entry in entries:
                if not self._run_page(entry, report, until):
                    break
        except FailedError as failed:
            report.failure = failed.failure
        report.seconds = time.monotonic() - self._begun
        return report

    def _run_page(self, entry: Entry, report: Report, until: str | None) -> bool:
        """Run a page; false if the mark was reached and the run is to end."""
        page = PageReport(entry.page.name)
        report.pages.append(page)
        self._watcher.page_begins(page.page)
        begun = time.monotonic()
        try:
            for item in script(entry.page):
                if isinstance(item, Block):
                    if self._after is None and item.directive.skip is None:
                        self._run_block(item, page)
                    else:
                        page.skipped += len(item.actions)
                    continue
                if item == self._after:
                    self._after = None
                mark = Mark(item, time.monotonic() - self._begun)
                report.marks.append(mark)
                self._watcher.mark_reached(mark)
                if item == until:
                    return False
            self._typist.check(f"the end of {page.page}")
            if entry.kind == STEP:
                compare_config(entry, self._workshop.clone)
        finally:
            page.seconds = time.monotonic() - begun
            self._watcher.page_ended(page)
        return True

    def _run_block(self, block: Block, page: PageReport) -> None:
        said = block.directive
        # Only the time that a command may take is said of all of them; the rest is of the last one.
        plain = Directive("run", terminal=said.terminal, within_s=said.within_s)
        for action in block.actions:
            self._watcher.command_begins(said.terminal, action)
            begun = time.monotonic()
            fine = False
            try:
                self._typist.do(page.page, action, said if action is block.actions[-1] else plain)
                fine = True
            finally:
                seconds = time.monotonic() - begun
                self._watcher.command_ended(seconds, fine=fine)
            page.done.append(Done(action.line, said.terminal, action.text, seconds))
