"""What `guidebook check` finds, rule by rule."""

import json

import pytest
from conftest import TinyGuide, told

from guidebook.book import Book
from guidebook.checks import CHECKS
from guidebook.checks.drawings import check_drawings
from guidebook.problem import GuideError, Problem

CHAPTER = "# Chapter\n\n"
PARTS = ("Goal", "What you have", "Do it", "The way back", "What can go wrong", "What it cost")
STEP = "# 00 Step\n\n" + "".join(f"## {part}\n\n" for part in PARTS)


def find_problems(book: Book) -> list[Problem]:
    """All but that the pictures of a whole guide are missing."""
    checks = [check for check in CHECKS if check is not check_drawings]
    return sorted(problem for check in checks for problem in check(book))


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("```console\n$ true\n```", []),
        ("```text\nanything\n```", []),
        ("<!-- a word among writers -->\n```text\n```", []),
        ("<!-- mark: here -->", []),
        ("```console\n$ true", ["3: the block is never closed"]),
        ("```python\nx\n```", ["3: the block (python) is neither run nor quoted"]),
        ("```\nx\n```", ["3: the block (no language) is neither run nor quoted"]),
        ("```bash\n$ true\n```", ["3: the block (bash) is neither run nor quoted"]),
        ("    $ true", ["3: code by indentation can't be proved"]),
        ("```console\nout\n```", ["4: output is shown before any command"]),
        ("<!-- run: stay -->\n```console\n$ true\n```", ["3: `run:` knows no 'stay'"]),
        ("<!-- run: stays -->\n\n```console\n$ true\n```", ["3: the comment `run:` stands above no block of code"]),
        ("Words <!-- run: stays -->\n```console\n$ true\n```", ["3: the comment `run:` is in the middle of a paragraph"]),
        ("<!-- run: stays -->\n```text\n```", ["3: `run:` is for a `console` block"]),
        ("<!-- from: a.py -->\n```console\n$ true\n```", ["3: `from:` is for a block that is no `console`", "3: a.py is no file of the repository"]),
        ("<!-- mark: a -->\n\n<!-- mark: a -->", ["5: the mark is in migration-guide/page.md:3 already"]),
        ("```console\n^C\n```", ["4: nothing stays in terminal main"]),
        ("<!-- run: stays -->\n```console\n$ a\n```\n```console\n$ b\n```", ["8: terminal main is busy with what migration-guide/page.md:4 started"]),
        ("<!-- run: terminal=a stays -->\n```console\n$ a\n```\n```console\n$ b\n```", []),
        ("<!-- run: stays -->\n```console\n$ a\n```\n```console\n^C\n$ b\n```", []),
        ("### Deep", ["3: the heading 'Deep' leaves a level out"]),
        ("# Another title", ["1: the page has not one title, on its first line"]),
        ("[a](nowhere.md)", ["3: the link to nowhere.md leads nowhere"]),
        ("![a](nowhere.svg)", ["3: the link to nowhere.svg leads nowhere"]),
        ("[a](../../outside)", ["3: the link to ../../outside leads nowhere"]),
        ("[a](#chapter) [b](page.md#a-part-twice-1) [c](../README.md)\n\n## A `part` twice\n\n## A part twice", []),
        ("[a](#part)", ["3: the link to #part names no heading there"]),
        ("[a](https://example.com/x) [b](mailto:a@example.com)", []),
    ],
)  # fmt: skip
def test_of_a_chapter(guide: TinyGuide, text: str, problems: list[str]) -> None:
    guide.write("README.md", "# Repository\n")
    guide.add(CHAPTER + text + "\n")
    assert told(find_problems(guide.book())) == problems


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (STEP, []),
        (STEP.replace("## The way", "## What you should see\n\n## The way"), []),
        (STEP.replace("# 00 Step", "# Step"), ["1: the title has not the step's number"]),
        (STEP.replace("## Goal\n\n", ""), ["0: the part `## Goal` is missing"]),
        (STEP.replace("## Goal", "## Aim"), ["0: the part `## Goal` is missing", "3: a step has no part 'Aim'"]),
        (STEP + "## Goal\n", ["0: the parts are not in their order, or one comes twice"]),
        (STEP.replace("## Do it", "## The way back", 1).replace("## The way back\n\n## What can", "## Do it\n\n## What can"),
         ["0: the parts are not in their order, or one comes twice"]),
    ],
)  # fmt: skip
def test_of_a_step(guide: TinyGuide, text: str, problems: list[str]) -> None:
    guide.write(
        "migration-guide/guide.yaml",
        json.dumps([{"page": "00-step/README.md", "title": "Step", "kind": "step"}]),
    )
    guide.write("migration-guide/00-step/README.md", text)
    assert told(find_problems(guide.book())) == problems


def test_of_the_list(guide: TinyGuide) -> None:
    listed = ["00-one", "02-two"]
    guide.write(
        "migration-guide/guide.yaml",
        json.dumps(
            [{"page": f"{name}/README.md", "title": name, "kind": "step"} for name in listed]
        ),
    )
    for name in listed:
        guide.write(f"migration-guide/{name}/README.md", STEP.replace("00", name[:2]))
    guide.write("migration-guide/forgotten.md", "# Forgotten\n")
    assert [(problem.file, problem.message) for problem in find_problems(guide.book())] == [
        ("migration-guide/02-two/README.md", "step number 1 is in 02-two"),
        ("migration-guide/02-two/README.md", "the step has no fig.yaml"),
        ("migration-guide/forgotten.md", "the page is not in guide.yaml"),
    ]


def test_a_reading_has_no_commands(guide: TinyGuide) -> None:
    guide.add(CHAPTER + "```console\n$ true\n```\n", kind="reading")
    assert told(find_problems(guide.book())) == [
        "3: a page for reading has commands, and nothing runs them"
    ]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("{", "it can't be read"),
        ("pages", "an entry is {page, title, kind}, and not None"),
        ("[{page: a.md}]", "an entry is {page, title, kind}, and not {'page': 'a.md'}"),
        ("[{page: 5, title: a, kind: step}]", "a page is a path from migration-guide, not 5"),
        ("[{page: page.md, title: a, kind: stop}]", "page.md: the kind is step, chapter, reading, not stop"),
        ("[{page: none.md, title: a, kind: step}]", "[Errno 2] No such file or directory"),
        ("[{page: page.md, title: a, kind: step}, {page: page.md, title: b, kind: step}]",
         "migration-guide/page.md is listed twice"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_told(guide: TinyGuide, listed: str, message: str) -> None:
    guide.add(CHAPTER)
    guide.write("migration-guide/guide.yaml", listed)
    with pytest.raises(GuideError) as caught:
        guide.book()
    (problem,) = caught.value.problems
    assert problem.file == "migration-guide/guide.yaml"
    assert problem.message.startswith(message)


def test_check_tells_a_program_what_it_found(guide: TinyGuide) -> None:
    guide.write("migration-guide/guide.yaml", "{")
    done = guide.command("check", "--json")
    told = json.loads(done.stdout)
    assert (told["ok"], len(told["problems"]), done.returncode) == (False, 1, 1)


def test_few_blocks_may_be_skipped(guide: TinyGuide) -> None:
    skipped = '<!-- run: skip="no" -->\n```console\n$ a\n```\n\n'
    guide.add(CHAPTER + skipped * 4)
    assert told(find_problems(guide.book())) == ["19: more than 3 blocks of the guide are skipped"]


def test_check_tells_what_is_skipped_and_why(guide: TinyGuide) -> None:
    guide.add(CHAPTER + '<!-- run: skip="opens a browser" -->\n```console\n$ open\n```\n')
    done = guide.command("check")
    assert "not run: migration-guide/page.md:4: opens a browser\n" in done.stderr
