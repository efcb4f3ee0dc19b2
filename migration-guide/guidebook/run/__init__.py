"""Runs pages: every command of every block, in a clone, against what the page shows."""

from guidebook.run.environment import Workshop
from guidebook.run.report import Failure, Mark, PageReport, Report, Watcher
from guidebook.run.runner import Runner
from guidebook.run.script import marks, script

__all__ = [
    "Failure",
    "Mark",
    "PageReport",
    "Report",
    "Runner",
    "Watcher",
    "Workshop",
    "marks",
    "script",
]
