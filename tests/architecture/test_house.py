"""The house is as it says it is: parts stand alone, links lead somewhere, nothing names a place to download from."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "proxy",
    "chassis",
    "monolith/shopsmart",
    "extracted/shopsmart/catalog",
    "compose",
    "migration-guide",
)
ADDRESS = re.compile(r"https?://|--index-url|--extra-index-url|--find-links|--hash")
LONGEST_FILE_LINES = 420


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_a_distribution_of_its_own_with_tests(part: str) -> None:
    manifest = tomllib.loads((ROOT / part / "pyproject.toml").read_text())
    assert manifest["project"]["requires-python"] == ">=3.11"
    assert list((ROOT / part).rglob("test_*.py"))


def test_constraints_pin_exact_versions_and_name_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert len(lines) > 50
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+", line), line
    for file in ("requirements-dev.txt", "Makefile", ".ci/run"):
        assert not ADDRESS.search((ROOT / file).read_text()), file


def test_everything_a_part_needs_is_pinned() -> None:
    pinned = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    ours = {"stranglerfig", "stranglerfig-chassis"}
    for part in PARTS:
        manifest = tomllib.loads((ROOT / part / "pyproject.toml").read_text())
        for wanted in manifest["project"]["dependencies"]:
            name = re.sub(r"[-_.]+", "-", re.split(r"[<>=~!\[ ]", wanted)[0]).lower()
            assert name in pinned | ours, f"{part} needs {name}"


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in _tracked("*.md")]
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_files_can_be_read_in_one_sitting() -> None:
    long = {
        str(file.relative_to(ROOT)): count
        for file in _tracked("*.py")
        if not {"migrations", "tests"} & set(file.relative_to(ROOT).parts)
        and (count := len(file.read_text().splitlines())) > LONGEST_FILE_LINES
    }
    assert not long


def test_make_help_lists_every_target_that_people_use() -> None:
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for target in (
        "setup",
        "demo",
        "guide",
        "test",
        "test-all",
        "test-part",
        "check",
        "bench",
        "pipelines",
    ):
        assert re.search(rf"make {target}\b", shown), target
