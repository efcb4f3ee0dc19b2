"""Runs pages: every command of every block, in a clean copy, against what the page shows."""

from guidebook.run.environment import Workshop
from guidebook.run.report import Failure, Mark, PageReport, Report, Watcher
from guidebook.run.runner import Runner

__all__ = ["Failure", "Mark", "PageReport", "Report", "Runner", "Watcher", "Workshop"]
