"""A real build: whole, searchable, strict."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_guide import STEP, SmallGuide

from guidebook.site import SiteError, build_site

pytestmark = pytest.mark.slow


@pytest.fixture
def guide(tmp_path: Path) -> SmallGuide:
    return SmallGuide(tmp_path / "repository")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


def search_index(site: Path) -> dict[str, Any]:
    """What the search box looks things up in."""
    text = (site / "searchindex.js").read_text()
    found: dict[str, Any] = json.loads(re.sub(r"^Search\.setIndex\((.*)\);?$", r"\1", text.strip()))
    return found


def test_every_page_is_there_in_the_navigation_and_in_the_search(
    guide: SmallGuide, out: Path
) -> None:
    assert build_site(guide.book(), out) == 2
    first = (out / "index.html").read_text()
    step = (out / "01-first/index.html").read_text()
    assert 'href="01-first/index.html"' in first
    assert 'href="01-first/index.html#the-end"' in first
    assert 'href="../index.html"' in step
    index = search_index(out)
    at = index["terms"]["quokka"]
    assert index["docnames"][at] == "01-first/index"


def test_a_warning_is_an_error_and_the_old_site_stays(guide: SmallGuide, out: Path) -> None:
    build_site(guide.book(), out)
    before = (out / "01-first/index.html").read_bytes()
    guide.write(
        "migration-guide/01-first/README.md", f"{STEP}\n[x](../README.md#no-such-heading)\n"
    )
    with pytest.raises(SiteError, match=r"01-first/index\.md.*no-such-heading"):
        build_site(guide.book(), out)
    assert (out / "01-first/index.html").read_bytes() == before


def test_a_page_that_would_ask_another_host_is_refused(guide: SmallGuide, out: Path) -> None:
    picture = '<img src="https://pictures.example/x.png" alt="x">'
    guide.write("migration-guide/01-first/README.md", f"{STEP}\n{picture}\n")
    with pytest.raises(SiteError, match=r"01-first/index\.html: https://pictures\.example/x\.png"):
        build_site(guide.book(), out)
    assert not out.exists()


def test_a_folder_that_holds_something_else_is_left_alone(guide: SmallGuide, out: Path) -> None:
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(SiteError, match="something else"):
        build_site(guide.book(), out)
    assert (out / "thesis.txt").read_text() == "years of work"


def test_what_is_gone_from_the_guide_is_gone_from_the_site(guide: SmallGuide, out: Path) -> None:
    guide.write("docs/a.md", "# A\n")
    guide.write("migration-guide/01-first/README.md", f"{STEP}\n[a](../../docs/a.md)\n")
    build_site(guide.book(), out)
    assert (out / "repository/docs/a.html").exists()
    guide.write("migration-guide/01-first/README.md", STEP)
    build_site(guide.book(), out)
    assert not (out / "repository").exists()


def guidebook(guide: SmallGuide, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "guidebook", *arguments],
        cwd=guide.root / "migration-guide",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_where_the_site_is_and_ends_with_1_when_there_is_none(
    guide: SmallGuide,
) -> None:
    done = guidebook(guide, "site")
    index = guide.root / "site/index.html"
    assert (done.returncode, done.stdout) == (0, f"2 pages; open {index}\n")
    assert index.exists()
    guide.write("migration-guide/01-first/README.md", f"{STEP}\n[x](nowhere.md)\n")
    refused = guidebook(guide, "site")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "migration-guide/01-first/README.md:9: nowhere.md leads nowhere" in refused.stderr
