"""The plugin is found by its entry point, and is nearly nothing to a test run without parity cases."""

import subprocess
import sys
import tomllib
from pathlib import Path

from parity_shops import TREE

ENTRY = {"fig": "stranglerfig.traffic.parity.plugin"}


def test_the_entry_point_is_declared_and_pytest_takes_it(tmp_path: Path) -> None:
    manifest = tomllib.loads((TREE / "pyproject.toml").read_text())
    assert manifest["project"]["entry-points"]["pytest11"] == ENTRY
    installed = tmp_path / "as_installed-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: as-installed\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(f"[pytest11]\nfig = {ENTRY['fig']}\n")
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{TREE}:{tmp_path}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in ("--fig-control", "--fig-candidate", "--fig-rules", "--fig-host", "--fig-strict"):
        assert option in shown


def test_loading_it_loads_nothing_else_of_the_proxy() -> None:
    script = (
        f"import pytest, sys; known = set(sys.modules); import {ENTRY['fig']}; "
        "print(*sorted(set(sys.modules) - known))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split() == [
        "stranglerfig",
        "stranglerfig.traffic",
        "stranglerfig.traffic.parity",
        "stranglerfig.traffic.parity.plugin",
    ]
