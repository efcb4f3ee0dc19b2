"""What a command of the guide sees of the one who runs it."""

import os
import sys
from pathlib import Path

import pytest

from guidebook.run.environment import reader_environment


def test_nothing_of_our_own_work_leaks_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "CI",
        "VIRTUAL_ENV",
        "PYTHONPATH",
        "MAKEFLAGS",
        "GIT_DIR",
        "DATABASE_URL",
        "FIG_SECRET",
    ):
        monkeypatch.setenv(name, "ours")
    assert not [name for name, value in reader_environment().items() if value == "ours"]


def test_our_own_programs_are_not_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = str(Path(sys.prefix) / "bin")
    monkeypatch.setenv("PATH", os.pathsep.join([ours, "/usr/bin", "/bin"]))
    assert reader_environment()["PATH"] == os.pathsep.join(["/usr/bin", "/bin"])


def test_the_way_to_packages_stays_and_the_terminal_is_plain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    monkeypatch.setenv("HOME", "/home/reader")
    monkeypatch.setenv("TERM", "xterm-256color")
    seen = reader_environment()
    wanted = {
        "PIP_INDEX_URL": "kept", "HOME": "/home/reader", "TERM": "dumb", "NO_COLOR": "1",
        "COLUMNS": "100", "LANG": "C.UTF-8",
    }  # fmt: skip
    assert {name: seen.get(name) for name in wanted} == wanted
