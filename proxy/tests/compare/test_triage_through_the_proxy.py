"""Decisions and hits with real processes: two people at once, everything killed with -9, and what came back is told."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from compared import RULES, ask, is_comparing
from fig_process import Fig, wait_until
from typer.testing import CliRunner, Result

from stranglerfig.cli.main import app
from stranglerfig.compare.triage_file import read_histories

pytestmark = pytest.mark.slow


def kill_everything(fig: Fig) -> None:
    children = (*fig.pids("worker"), *fig.pids("comparer"))
    fig.kill()
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def command(fig: Fig, *words: str) -> Result:
    """A command that only reads: no process of its own is needed for it."""
    return CliRunner().invoke(app, [*words, "--config", str(fig.config)])


def difference(fig: Fig) -> dict[str, Any]:
    (only,) = json.loads(command(fig, "diffs", "--state", "all", "--json").stdout)["clusters"]
    found: dict[str, Any] = only
    return found


def test_decisions_outlive_kills_and_what_comes_back_is_told(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig().start()
    fig.set("catalog", "shadow")
    wait_until(lambda: is_comparing(fig))
    ask(fig)
    words = [sys.executable, "-m", "stranglerfig", "diffs", "mark", "1", "fixed", "--config", str(fig.config), "--why"]  # fmt: skip
    people = [
        subprocess.Popen([*words, who], env=fig.environment, stdout=subprocess.PIPE)
        for who in ("ann says so", "bob says so")
    ]
    for person in people:
        person.communicate(timeout=30)
        assert person.returncode == 0
    kill_everything(fig)
    (history,) = read_histories(fig.state_dir).values()
    assert sorted(mark.why for mark in history.marks) == ["ann says so", "bob says so"]
    assert command(fig, "diffs").exit_code == 0
    fig.start()
    wait_until(lambda: is_comparing(fig))
    assert difference(fig)["state"] == "fixed"
    ask(fig)
    found = difference(fig)
    assert found["state"] == "reopened"
    assert found["reopened"]["generation"] == fig.generation
    assert f"in generation {fig.generation}" in command(fig, "diffs").stdout
    # A rule takes it over; what it was good for is counted across a kill of the comparer.
    generation = fig.generation
    (fig.folder / "fig.rules.yaml").write_text(RULES)
    wait_until(lambda: fig.generation > generation, 20, fig.log)
    wait_until(lambda: fig.status()["comparer"]["generation"] == fig.generation)
    ask(fig)
    (pid,) = fig.pids("comparer")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: fig.pids("comparer") not in ([], [pid]) and is_comparing(fig), 20, fig.log)
    ask(fig)
    checked = command(fig, "check", "--rules", "--json")
    assert checked.exit_code == 0, checked.stdout
    (rule,) = json.loads(checked.stdout)["rules"]
    assert (rule["standing"], rule["compared"], rule["hit_in"]) == ("fine", 2, 2)
