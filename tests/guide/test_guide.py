"""The guide does what it says: every command of every page, in order, from a clean clone, and what it shows.

It needs the fixed ports that a reader's run needs (see compose/).
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
CONTENTS = YAML(typ="safe").load(ROOT / "migration-guide/guide.yaml")
STEPS = [entry["page"] for entry in CONTENTS if entry["kind"] == "step"]
CHAPTERS = [entry["page"] for entry in CONTENTS if entry["kind"] == "chapter"]


def run(*pages: str) -> dict[str, Any]:
    """Run them; fails with what `guidebook run` says: page, line, and expected beside got."""
    done = subprocess.run(
        [sys.executable, "-m", "guidebook", "run", "--json", *pages],
        cwd=ROOT / "migration-guide",
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.fail(f"the guide does not do what it shows\n{done.stderr}", pytrace=False)
    (report,) = json.loads(done.stdout)["runs"]
    assert all(page["commands"] for page in report["pages"]), "a page without a command"
    return dict(report)


def test_every_step_does_what_it_shows() -> None:
    report = run(*STEPS)
    assert [page["page"] for page in report["pages"]] == [
        f"migration-guide/{page}" for page in STEPS
    ]


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_chapter_does_what_it_shows(page: str) -> None:
    report = run(page)
    assert [page["page"] for page in report["pages"]] == [f"migration-guide/{page}"]
