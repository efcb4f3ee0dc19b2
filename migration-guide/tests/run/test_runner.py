"""Small real pages, run: what each rule of the format takes, and how each failure is told."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guidebook.book import CHAPTER, STEP, Entry
from guidebook.pages import Command, Interrupt, read_page
from guidebook.run import Failure, Mark, PageReport, Report, Runner, Workshop
from guidebook.terminal import end_all


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def page_begins(self, page: str) -> None:
        self.told.append(f"begins {page}")

    def page_ended(self, page: PageReport) -> None:
        self.told.append(f"ended {page.page}")

    def command_begins(self, terminal: str, action: Command | Interrupt) -> None:
        self.told.append(f"{terminal}: {action.text}")

    def command_ended(self, seconds: float, *, fine: bool) -> None:
        self.told.append("fine" if fine else "failed")

    def mark_reached(self, mark: Mark) -> None:
        self.told.append(f"mark {mark.name}")


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    clone = tmp_path / "clone"
    clone.mkdir()
    with Workshop.opened(clone) as opened:
        yield opened
        end_all(spare=opened.shells(), grace_s=0)


def run(workshop: Workshop, *pages: str, kind: str = CHAPTER, until: str | None = None) -> Report:
    """Pages as written here, called page-0.md, page-1.md and so on."""
    entries = []
    for number, text in enumerate(pages):
        path = workshop.clone.parent / f"page-{number}.md"
        entries.append(Entry(read_page(path, path.name, text), "title", kind))
    return Runner(workshop, Silent(), time.monotonic()).run(entries, until=until)


def failure(workshop: Workshop, *pages: str) -> Failure:
    found = run(workshop, *pages).failure
    assert found is not None
    return found


def console(*lines: str, run: str = "") -> str:
    """A block, with its comment where it has one."""
    comment = f"<!-- run: {run} -->\n" if run else ""
    return "\n".join([f"{comment}```console", *lines, "```\n\n"])


# Ready for Ctrl-C when it says so, as a server is.
SERVE = "sh -c 'echo up; while :; do sleep 0.1; done'"
STAY = console(f"$ {SERVE}", "up", run="terminal=server stays")


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(console("$ echo a", "a", "$ true"), id="output, and none"),
        pytest.param(console("$ pwd", "<folder>"), id="the folder"),
        pytest.param(console("$ date +%H:%M", "<time>"), id="a placeholder"),
        pytest.param(console("$ echo a; (exit 3)", "a", run="exit=3"), id="an exit code"),
        pytest.param(console("$ cat <<X", "> a", "> X", "a"), id="a heredoc"),
        pytest.param(console("$ sleep 0.3; echo a", "a", run="within=5s"), id="a time"),
        pytest.param(console("$ rm -r /", run='skip="no"'), id="a skipped block"),
        pytest.param("```text\n$ false\n```\n", id="a block that is text"),
        pytest.param(
            console("$ cd /; export A=1") + console("$ pwd; echo $A", "/", "1"), id="a kept shell"
        ),
        pytest.param(
            console("$ cd /", run="terminal=other") + console("$ pwd", "<folder>"),
            id="two terminals",
        ),
        pytest.param(
            console("$ echo >>asked; wc -l <asked", "3", run="eventually=20s"), id="asked again"
        ),
        pytest.param(
            console("$ ls here; touch here", "here", run="eventually=20s"),
            id="asked again until it does not complain",
        ),
        pytest.param(STAY + console("$ true") + console("^C", run="terminal=server"), id="Ctrl-C"),
        pytest.param(
            STAY + console("^C", "$ echo a", "a", run="terminal=server"), id="Ctrl-C and go on"
        ),
        pytest.param(
            console("$ sh -c 'trap \"echo one; echo bye; exit 4\" INT; echo up; while :; do sleep 0.1; done'", "up", run="stays")
            + console("^C", "bye", run="exit=4"),
            id="Ctrl-C with last words and an exit code",
        ),
        pytest.param(
            console("$ yes", "y", "y", run="stays") + console("^C", run="exit=130"),
            id="a flood in the background of the guide",
        ),
        pytest.param(console("$ (sleep 0.2; echo up; cat)", "up", run="stays"), id="a slow start"),
        pytest.param(console("$ cat", run="stays"), id="a stay that says nothing"),
    ],
)  # fmt: skip
def test_a_page_that_tells_the_truth(workshop: Workshop, page: str) -> None:
    assert run(workshop, page).failure is None


@pytest.mark.parametrize(
    ("page", "line", "why", "diff"),
    [
        (console("$ true", "$ echo b", "a"), 3, "the output is not what the page shows", ("- a", "+ b")),
        (console("$ echo a"), 2, "the output is not what the page shows", ("+ a",)),
        (console("$ true", "a"), 2, "the output is not what the page shows", ("- a",)),
        (console("$ echo a; false", "a"), 2, "exit code 1, not 0", ()),
        (console("$ true", run="exit=1"), 3, "exit code 0, not 1", ()),
        (console("$ false", "$ false", run="exit=1"), 3, "exit code 1, not 0", ()),
        (console("$ echo a; cat", "a", run="within=1s"), 3, "no end within 1 s", ()),
        (console("$ echo a; cat", "b", run="stays"), 3, "not all that is shown came within 1 s", ("- b", "+ a")),
        (console("$ echo a; echo b; cat", "b", run="stays"), 3, "it begins otherwise than the page shows", ("+ a", "  b")),
        (console("$ echo a", "a", "b", run="stays"), 3, "it shall stay, and has ended with exit code 0", ("  a", "- b")),
        (console("$ date +%N", "0", run="eventually=1s"), 3, "exit code 0 and another output still after 1 s", None),
        (console("^C"), 2, "nothing stays in terminal main", ()),
        (console("$ cat", "^C", run="stays") + console("^C"), 3, "not all that is shown came within 1 s", ("- ^C",)),
        (console("$ cat", run="stays") + console("$ true"), 7, "terminal main is busy with what page-0.md:3 started", ()),
        (console(f"$ {SERVE}", "up", run="stays") + console("^C", run="exit=0"), 9, "exit code 130, not 0", None),
        (console(f"$ {SERVE}", "up", run="stays") + console("^C", "bye"), 8, "the last lines are not what the page shows", ("- bye",)),
        (console("$ sh -c 'trap \"echo mislaid; exit 1\" INT; echo up; while :; do sleep 0.1; done'", "up", run="stays")
         + console("^C"), 8, "exit code 1, not 0 or 130", ("+ mislaid",)),
        (console("$ echo 8", "<n:all>", "$ echo 7", "<n:all>"), 4,
         "the output is not what the page shows", ("- <n:all>", "+ 7")),
        (console("$ echo 'a"), 2, "the shell waits for the rest of the command", ()),
        (console("$ true", "> false"), 3, "the command had ended on the line before; begin the next one with `$ `", ()),
        (console("$ exit"), 2, "the shell of terminal main has ended", ()),
        (console("$ head -c 2000000 /dev/zero | tr '\\0' x"), 2,
         "the output is not what the page shows (beyond what is kept, 1,000,000 bytes more came)", None),
    ],
)  # fmt: skip
def test_a_page_that_does_not_is_told_where_and_how(
    workshop: Workshop, page: str, line: int, why: str, diff: tuple[str, ...] | None
) -> None:
    page = page.replace(" stays -->", " stays within=1s -->")
    found = failure(workshop, page)
    assert (found.page, found.line, found.why) == ("page-0.md", line, why)
    if diff is not None:
        assert found.diff == diff


def test_a_stay_that_dies_is_blamed_itself(workshop: Workshop) -> None:
    page = console(
        "$ echo up; sleep 0.2; sh -c 'echo out of luck; exit 7'", "up", run="terminal=server stays"
    )
    wait = console("$ sleep 1")
    found = failure(workshop, page + wait + console("$ true"))
    assert (found.page, found.line) == ("page-0.md", 3)
    assert found.why == "it shall stay, and had ended with exit code 7 before page-0.md:12"
    assert found.diff == ("  up", "  out of luck")


def test_a_stay_that_dies_under_the_last_command_is_noticed(workshop: Workshop) -> None:
    page = console("$ echo up; sleep 0.2", "up", run="terminal=server stays")
    found = failure(workshop, page + console("$ sleep 1"))
    assert found.why == "it shall stay, and had ended with exit code 0 before the end of page-0.md"


def test_what_stays_stays_from_page_to_page(workshop: Workshop) -> None:
    report = run(workshop, STAY, console("$ true"), console("^C", run="terminal=server"))
    assert report.failure is None
    assert [[done.command for done in page.done] for page in report.pages] == [
        [SERVE],
        ["true"],
        ["^C"],
    ]


@pytest.mark.parametrize("after", ["", console("$ echo now", "now")], ids=["at the end", "before"])
def test_what_a_job_writes_between_two_commands_is_not_lost(workshop: Workshop, after: str) -> None:
    job = "$ (sh -c 'until test -e ended; do sleep 0.05; done; echo late; touch written' &)"
    wait = "$ touch ended; until test -e written; do sleep 0.05; done; sleep 0.5"
    found = failure(workshop, console(job) + console(wait, run="terminal=other") + after)
    assert (found.page, found.line) == ("page-0.md", 2)
    assert found.why == "after its end, and before the next command, the terminal wrote more"
    assert found.diff == ("  late",)


def test_a_name_is_one_pages_own(workshop: Workshop) -> None:
    assert run(workshop, *(console(f"$ echo {n}", "<n:all>") for n in (7, 8))).failure is None


def test_nothing_runs_after_a_failure(workshop: Workshop) -> None:
    report = run(workshop, console("$ false"), console("$ touch made"))
    assert [page.page for page in report.pages] == ["page-0.md"]
    assert not (workshop.clone / "made").exists()


def test_marks_are_told_in_order_and_a_run_can_end_at_one(workshop: Workshop) -> None:
    pages = (
        "<!-- mark: one -->\n\n" + console("$ true") + "<!-- mark: two -->\n",
        console("$ false"),
    )
    report = run(workshop, *pages, until="two")
    assert report.failure is None
    assert [mark.name for mark in report.marks] == ["one", "two"]
    assert 0 <= report.marks[0].after_s < report.marks[1].after_s <= report.seconds


@pytest.mark.parametrize(
    ("told", "made", "why"),
    [
        ("a: 1\nb: [x]", "# of its own\nb:\n- x\na: 1", None),
        ("a: 1", "a: 2", "it is not what 01-step/fig.yaml says"),
        ("a: 1", None, "the step has made no .guide/fig.yaml"),
        ("a: 1", "a: [", "it can't be read"),
        (None, "a: 1", None),
    ],
)
def test_a_step_leaves_the_config_that_it_says(
    workshop: Workshop, told: str | None, made: str | None, why: str | None
) -> None:
    folder = workshop.clone.parent / "01-step"
    folder.mkdir()
    (workshop.clone / ".guide").mkdir()
    if told is not None:
        (folder / "fig.yaml").write_text(told)
    if made is not None:
        (workshop.clone / ".guide/fig.yaml").write_text(made)
    page = read_page(folder / "README.md", "01-step/README.md", console("$ true"))
    report = Runner(workshop, Silent(), time.monotonic()).run([Entry(page, "title", STEP)])
    assert (report.failure.why.partition(":")[0] if report.failure else None) == why
