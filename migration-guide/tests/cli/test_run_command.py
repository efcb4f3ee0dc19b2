"""``guidebook run`` as it is called: what is run in which clone, what is told, and what is left (nothing)."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import TinyGuide


def block(*lines: str, run: str = "") -> str:
    comment = f"<!-- run: {run} -->\n" if run else ""
    return "\n".join([f"{comment}```console", *lines, "```", ""])


def report(done: "subprocess.CompletedProcess[str]") -> Any:
    return json.loads(done.stdout)


def pages_run(told: Any) -> list[list[str]]:
    return [[Path(page["page"]).stem for page in run["pages"]] for run in told["runs"]]


def test_a_failure_is_told_with_page_line_and_diff(guide: TinyGuide) -> None:
    guide.add("# Page\n\n" + block("$ echo 12 rows", "<n> rows", "$ echo b", "a"))
    done = guide.command("run")
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "migration-guide/page.md"
    assert lines[-5:] == [
        "migration-guide/page.md:6: the output is not what the page shows",
        "  echo b",
        "  - the page shows, + came:",
        "  - a",
        "  + b",
    ]


def test_steps_share_a_clone_and_each_chapter_has_its_own(guide: TinyGuide) -> None:
    guide.list_pages(one="step", two="step", three="chapter", four="chapter")
    guide.write("migration-guide/one.md", block("$ touch made"))
    guide.write("migration-guide/two.md", block("$ ls made", "made"))
    for name in ("three", "four"):
        guide.write(f"migration-guide/{name}.md", block("$ test ! -e made", "$ touch made"))
    told = report(guide.command("run", "--json"))
    assert pages_run(told) == [["one", "two"], ["three"], ["four"]]
    assert told["ok"]
    assert pages_run(report(guide.command("run", "--json", "two"))) == [["one", "two"]]
    assert pages_run(report(guide.command("run", "--json", "four"))) == [["four"]]
    alone = report(guide.command("run", "--json", "--only", "two"))
    assert (pages_run(alone), alone["ok"]) == ([["two"]], False)


def test_the_clone_holds_what_a_commit_of_everything_would(guide: TinyGuide) -> None:
    guide.write(".gitignore", "ignored\n*.log\n")
    guide.write("ignored/secret", "")
    guide.write("new file", "")
    guide.write("deleted", "")
    guide.write("kept.log", "")
    git = ["git", "-C", str(guide.root)]
    subprocess.run([*git, "add", "-f", "deleted", "kept.log"], check=True)
    (guide.root / "deleted").unlink()
    guide.write("run.sh", "echo ran\n").chmod(0o755)
    (guide.root / "link").symlink_to("run.sh")
    guide.add(
        block("$ ls", *sorted(["kept.log", "link", "migration-guide", "new file", "run.sh"]))
        .replace("$ ls", "$ ls -1 --quoting-style=literal")
        + block("$ ./link", "ran", "$ git status --porcelain", "$ git log --format=%s", "The guide begins here")
    )  # fmt: skip
    done = guide.command("run")
    assert done.returncode == 0, done.stderr


def test_a_real_clone_holds_what_is_committed(guide: TinyGuide) -> None:
    guide.add(block("$ ls", "migration-guide", "$ git log --format=%s", "First"))
    git = ["git", "-C", str(guide.root), "-c", "user.name=a", "-c", "user.email=a@localhost"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "First"], check=True)
    guide.write("new", "")
    done = guide.command("run", "--committed")
    assert done.returncode == 0, done.stderr


def test_a_run_up_to_a_mark(guide: TinyGuide) -> None:
    guide.add(block("$ true") + "\n<!-- mark: half -->\n\n" + block("$ false"))
    (run,) = report(guide.command("run", "--json", "--until", "half"))["runs"]
    assert run["ok"]
    assert 0 < run["marks"]["half"] <= run["seconds"]
    (page,) = run["pages"]
    assert [command["command"] for command in page["commands"]] == ["true"]
    done = guide.command("run", "--until", "whole")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "error: no page that would run has the mark 'whole'",
    )


def test_a_page_that_is_in_no_list_is_run_by_its_path(guide: TinyGuide, tmp_path: Path) -> None:
    loose = tmp_path / "loose.md"
    loose.write_text(block("$ true"))
    assert guide.command("run", str(loose)).returncode == 0
    done = guide.command("run", "lose")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: there is no page 'lose'")


def test_a_page_with_mistakes_is_not_begun(guide: TinyGuide) -> None:
    marker = guide.root / "made"
    guide.add(block(f"$ touch {marker}") + "\n" + block("$ true", run="stay"))
    done = guide.command("run")
    assert done.returncode == 1
    assert "migration-guide/page.md:5: `run:` knows no 'stay'" in done.stderr
    assert not marker.exists()


def test_a_kept_clone_is_used_again_from_a_mark_on(guide: TinyGuide) -> None:
    guide.write(".gitignore", ".venv\n")
    set_up = block("$ mkdir .venv", "$ touch .venv/dear made")
    guide.add(set_up + "\n<!-- mark: set-up -->\n\n" + block("$ ls .venv", "dear"))
    kept = guide.command("run", "--keep").stderr.splitlines()[-1].removeprefix("kept: ")
    assert (Path(kept) / "made").exists()
    guide.write("new", "")
    done = guide.command("run", "page", "--in", kept, "--after", "set-up")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in Path(kept).iterdir()) == [
        ".git", ".gitignore", ".venv", "migration-guide", "new",
    ]  # fmt: skip
    shutil.rmtree(Path(kept).parents[1])


def test_another_folder_is_not_taken_for_a_kept_clone(guide: TinyGuide, tmp_path: Path) -> None:
    guide.add(block("$ true"))
    subprocess.run(["git", "init", "-q", str(tmp_path / "dear")], check=True)
    done = guide.command("run", "page", "--in", str(tmp_path / "dear"))
    assert done.returncode == 2
    assert (tmp_path / "dear").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("whose", ["the command's", "its child's"])
def test_nothing_is_left_when_the_runner_is_ended(
    guide: TinyGuide, tmp_path: Path, number: signal.Signals, whose: str
) -> None:
    """Servers in two terminals, one of them deaf, and an orphan in a session of its own."""
    serve = "echo up; while :; do sleep 0.1; done"
    guide.add(
        block(f"$ sh -c 'echo $$ >{tmp_path}/one; {serve}'", "up", run="terminal=one stays")
        + block(f'$ sh -c \'trap "" INT HUP TERM; echo $$ >{tmp_path}/two; {serve}\'', "up", run="terminal=two stays")
        + block(f"$ (setsid sh -c 'echo $$ >{tmp_path}/three; exec sleep 600' &)")
        + block(f"$ until test -s {tmp_path}/three; do sleep 0.1; done", "$ pwd >" + f"{tmp_path}/folder; cat")
    )  # fmt: skip
    os.mkfifo(tmp_path / "folder")
    running = subprocess.Popen(
        [sys.executable, "-m", "guidebook", "run"],
        cwd=guide.root,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    folder = (tmp_path / "folder").read_text().strip()  # a pipe: until somebody writes
    pids = [int((tmp_path / name).read_text()) for name in ("one", "two", "three")]
    (child,) = psutil.Process(running.pid).children()
    os.kill(running.pid if whose == "the command's" else child.pid, number)
    running.wait(40)
    psutil.wait_procs([child], timeout=40)
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    if number != signal.SIGKILL or whose != "the command's":
        assert not Path(folder).exists()
