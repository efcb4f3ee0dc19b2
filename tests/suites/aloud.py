"""pytest, and each failure named on a line of its own when it happens: the run of a suite is long, its reasons come at its end.

python aloud.py -q        # as: python -m pytest -q
"""

import sys
from pathlib import Path

import pytest


class Aloud:
    """What pytest says meanwhile, and the names."""

    def __init__(self) -> None:
        self._terminal: pytest.TerminalReporter | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Say it where pytest's own dots are written; that is made in this step, and stands ready after it."""
        self._terminal = config.pluginmanager.get_plugin("terminalreporter")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """After the letter that pytest has for it."""
        if report.failed:
            self._say("FAILED" if report.when == "call" else "ERROR", report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot even be read."""
        if report.failed:
            self._say("ERROR", report.nodeid)

    def _say(self, what: str, name: str) -> None:
        if self._terminal is not None:
            self._terminal.write(f"\n{what} {name}\n", flush=True)


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())  # as -m would
    sys.exit(pytest.main(sys.argv[1:], plugins=[Aloud()]))
