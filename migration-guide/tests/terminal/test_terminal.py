"""A real bash on a real pseudo-terminal."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from guidebook.run.environment import reader_environment
from guidebook.terminal import (
    LateError,
    MistypedError,
    Output,
    ShellEndedError,
    Terminal,
    TooLongError,
    adopt_orphans,
    end_all,
)
from guidebook.terminal.stream import MOST_BYTES

WITHIN_S = 30.0
# Ready for Ctrl-C when it says so, as a server is.
SERVE = "echo up; while :; do sleep 0.1; done"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """One for all commands that leave it as it was."""
    opened = Terminal("main", tmp_path_factory.mktemp("kept"), reader_environment())
    yield opened
    opened.close()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal("main", tmp_path, reader_environment())
    yield opened
    end_all(spare=[opened.pid], grace_s=0)
    opened.close()


def ask(terminal: Terminal, *typed: str) -> tuple[int, tuple[str, ...]]:
    answer = terminal.run(typed, WITHIN_S)
    return answer.exit, answer.output.lines


def start(terminal: Terminal, *typed: str, until: str) -> Output:
    """A command that stays."""
    terminal.type(typed, WITHIN_S)
    return terminal.wait_for(lambda output: until in output.lines, WITHIN_S)


@pytest.mark.parametrize(
    ("typed", "code", "lines"),
    [
        (("true",), 0, ()),
        (("false",), 1, ()),
        (("sh -c 'exit 255'",), 255, ()),
        (("sh -c 'kill -9 $$'",), 137, ("Killed",)),
        (("echo out; echo err >&2",), 0, ("out", "err")),
        (("printf 'no newline'",), 0, ("no newline",)),
        (("printf 'a\\n\\n'",), 0, ("a", "")),
        (("echo Grüße 日本 ✓",), 0, ("Grüße 日本 ✓",)),
        (("printf '\\000\\377\\033[31mred'",), 0, ("\x00\ufffdred",)),
        (("no-such-command",), 127, ("bash: no-such-command: command not found",)),
        (("cat <<'X'", "$a", "", "  b", "X"), 0, ("$a", "", "  b")),
        (("echo one \\", "  two",), 0, ("one two",)),
        (("for i in 1 2; do", "echo $i", "done"), 0, ("1", "2")),
        (("echo 'a", "b'"), 0, ("a", "b")),
        (("echo '!! !x'",), 0, ("!! !x",)),
        (("tty -s; stty size; echo $COLUMNS",), 0, ("50 100", "100")),
        (('echo "[$TERM] [$NO_COLOR] [$LANG] [${CI-unset}]"',), 0, ("[dumb] [1] [C.UTF-8] [unset]",)),
    ],
)  # fmt: skip
def test_a_command_is_typed_and_answered(
    kept: Terminal, typed: tuple[str, ...], code: int, lines: tuple[str, ...]
) -> None:
    assert ask(kept, *typed) == (code, lines)


def test_folder_and_variables_last_and_the_prompt_is_the_readers_to_change(
    terminal: Terminal, tmp_path: Path
) -> None:
    assert ask(terminal, "mkdir below; cd below; export A=1 PS1='mine> '") == (0, ())
    assert ask(terminal, "pwd; echo $A; (exit 3)") == (3, (f"{tmp_path}/below", "1"))
    assert ask(terminal, "echo $?") == (0, ("3",))


def test_a_flood_is_bounded(terminal: Terminal) -> None:
    answer = terminal.run(["head -c 5000000 /dev/zero | tr '\\0' x"], WITHIN_S)
    assert answer.exit == 0
    assert answer.output == Output(("x" * MOST_BYTES,), dropped=5_000_000 - MOST_BYTES)


def test_what_stays_runs_on_until_ctrl_c(terminal: Terminal) -> None:
    start(terminal, f"sh -c 'trap \"echo bye; exit 4\" INT; {SERVE}'", until="up")
    assert terminal.is_busy()
    answer = terminal.interrupt(WITHIN_S)
    assert (answer.exit, answer.output.lines) == (4, ("bye",))
    assert not terminal.is_busy()
    assert ask(terminal, "echo again") == (0, ("again",))


def test_ctrl_c_is_for_what_is_in_front(terminal: Terminal) -> None:
    """As in every terminal: a job in the background is in another process group."""
    _, lines = ask(terminal, "sleep 600 & echo $!")
    start(terminal, f"sh -c '{SERVE}'", until="up")
    assert terminal.interrupt(WITHIN_S).exit == 130
    assert psutil.pid_exists(int(lines[-1]))


def test_a_command_is_not_typed_behind_what_a_job_in_the_background_has_written(
    terminal: Terminal, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "go")
    ask(terminal, "(sh -c 'cat go; echo late' &)")
    assert terminal.late() is None
    (tmp_path / "go").write_text("")  # a pipe: until somebody reads
    deadline = time.monotonic() + WITHIN_S
    while terminal.late() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(LateError) as caught:
        terminal.run(["echo now"], WITHIN_S)
    assert caught.value.output.lines == ("late",)


def test_what_stays_and_dies_is_noticed(terminal: Terminal, tmp_path: Path) -> None:
    start(terminal, "sh -c 'echo $$ >pid; echo up; exec cat'", until="up")
    assert terminal.is_busy()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    terminal.wait_for(lambda output: False, WITHIN_S)
    assert not terminal.is_busy()
    assert terminal.last_exit() == 137


@pytest.mark.parametrize(
    ("typed", "line", "wants_more"),
    [
        (("echo 'never closed",), -1, True),
        (("echo a \\",), -1, True),
        (("cat <<X", "a"), -1, True),
        (("true", "echo b"), 1, False),
        (("if true; then", "echo a", "fi", "echo b"), 3, False),
    ],
)
def test_page_and_shell_must_agree_where_a_command_ends(
    terminal: Terminal, typed: tuple[str, ...], line: int, wants_more: bool
) -> None:
    with pytest.raises(MistypedError) as caught:
        terminal.run(typed, WITHIN_S)
    assert (caught.value.line, caught.value.wants_more) == (line, wants_more)


def test_a_command_that_takes_too_long_is_told_with_its_output(terminal: Terminal) -> None:
    with pytest.raises(TooLongError) as caught:
        terminal.run(["echo begun; cat"], 0.5)
    assert caught.value.output.lines == ("begun",)


def test_what_shall_stay_and_says_too_little_takes_too_long(terminal: Terminal) -> None:
    terminal.type(["echo a; cat"], WITHIN_S)
    with pytest.raises(TooLongError):
        terminal.wait_for(lambda output: len(output.lines) > 1, 0.3)


@pytest.mark.parametrize("typed", ["exit", "exec true", "kill -9 $$"])
def test_a_shell_that_ends_is_told(terminal: Terminal, typed: str) -> None:
    with pytest.raises(ShellEndedError):
        terminal.run([typed], WITHIN_S)
    with pytest.raises(ShellEndedError):
        terminal.run(["true"], WITHIN_S)


def test_the_next_command_finds_the_terminal_as_it_was(terminal: Terminal) -> None:
    ask(terminal, "stty raw echo -isig")
    assert ask(terminal, "cat <<X", "a", "X") == (0, ("a",))


def test_nothing_outlives_a_terminal(tmp_path: Path) -> None:
    """In the background, an orphan in a session of its own, deaf to signals: they all end."""
    adopt_orphans()
    terminal = Terminal("main", tmp_path, reader_environment())
    ask(terminal, "sleep 600 & echo $! >>pids")
    ask(terminal, "(setsid sh -c 'echo $$ >>pids; echo >ready; exec sleep 600' &)")
    ask(terminal, "until test -e ready; do sleep 0.01; done")
    start(
        terminal, "sh -c 'trap \"\" INT HUP TERM; echo $$ >>pids; echo up; sleep 600'", until="up"
    )
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 3
    assert all(psutil.pid_exists(pid) for pid in pids)
    terminal.stop(within_s=0.1)
    end_all(spare=[terminal.pid], grace_s=0.1)
    terminal.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)
