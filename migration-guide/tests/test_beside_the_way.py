"""The pages beside the way: the glossary is in order and true, and what is not run on a page is tried here."""

import re
import subprocess
from pathlib import Path

import pytest

from guidebook.pages import Link, Page, read_page
from stranglerfig.config.capability import Stage

GUIDE = Path(__file__).resolve().parents[1]
GLOSSARY = read_page(GUIDE / "glossary.md", "glossary.md")
ENTRIES = {heading.text: heading.line for heading in GLOSSARY.headings if heading.level == 2}


def links_of(word: str) -> list[Link]:
    """Where an entry says that its word is met."""
    lines = [*ENTRIES.values(), 10**6]
    first = ENTRIES[word]
    last = lines[lines.index(first) + 1]
    return [link for link in GLOSSARY.links if first < link.line < last]


def spoken(page: Page) -> str:
    """What a page says, on one line, in small letters."""
    return re.sub(r"[\s`*]+", " ", page.text).lower()


def test_words_stand_in_the_order_of_the_alphabet_once() -> None:
    words = [heading.text for heading in GLOSSARY.headings if heading.level == 2]
    assert words == sorted(set(words), key=str.casefold)
    assert len(words) > 40


def test_every_stage_has_its_word() -> None:
    assert {str(stage) for stage in Stage} <= ENTRIES.keys()


@pytest.mark.parametrize("word", ENTRIES)
def test_a_word_is_met_where_the_glossary_says(word: str) -> None:
    links = links_of(word)
    assert links
    for link in links:
        page = read_page((GUIDE / link.target).resolve(), link.target)
        assert word.lower() in spoken(page), link.target


def test_commits_across_borders_are_counted_as_the_page_says(tmp_path: Path) -> None:
    """The command of when-not-to-split.md, on a history of which the answer is known."""
    page = read_page(GUIDE / "when-not-to-split.md", "when-not-to-split.md")
    [command] = ["\n".join(fence.lines) for fence in page.fences]
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for number, changed in enumerate(
        (("cart", "orders"), ("cart",), ("cart", "cart/api"), ("manage",))
    ):
        for app in changed:
            file = tmp_path / "shop" / (f"{app}/a.py" if app != "manage" else "manage.py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(str(number))
        subprocess.run([*git, "add", "-A"], cwd=tmp_path, check=True)
        subprocess.run([*git, "commit", "-qm", str(number)], cwd=tmp_path, check=True)
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout == "1 of 3 commits cross a border\n"
    assert done.stderr == ""
