"""fig set, abort and status, against a proxy that runs and without one."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from fig_process import Fig, wait_until
from rich.text import Text
from typer.testing import CliRunner, Result

from stranglerfig.cli.main import app


@pytest.fixture(autouse=True)
def _no_secrets_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIG_SECRET", "FIG_ADMIN_TOKEN", "FIG_ADMIN_URL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def run(fig: Fig, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(fig.config)])


def as_json(fig: Fig, *arguments: str) -> dict[str, object]:
    result = run(fig, *arguments, "--json")
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_set_says_which_generation_holds_and_after_how_long(fig: Fig) -> None:
    result = run(fig, "set", "catalog", "canary", "25", "--why", "a quarter")
    assert result.exit_code == 0, result.output
    assert (
        f"catalog is in canary 25 %: generation {fig.generation} on 1 worker after" in result.stdout
    )
    assert json.loads(fig.get("/elsewhere")[2])["upstream"] == "monolith"
    entry = fig.audit()[-1]
    assert entry["why"] == "a quarter"
    assert "@" in entry["who"]

    again = run(fig, "set", "catalog", "canary", "--why", "again")
    assert again.exit_code == 0
    assert "already; nothing was changed" in again.stdout


def test_set_as_json_is_one_document(fig: Fig) -> None:
    answer = as_json(fig, "set", "catalog", "shadow", "--why", "x")
    assert answer["stage"] == "shadow"
    assert answer["generation"] == fig.generation


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["set", "catalog", "shadow"], 2, "--why"),
        (["set", "catalog", "shadow", "--why", " "], 2, "--why"),
        (["set", "catalog", "sevice", "--why", "x"], 2, "sevice"),
        (["set", "catalog", "canary", "101", "--why", "x"], 2, "100"),
        (["set", "catalog", "canary", "nan", "--why", "x"], 2, "100"),
        (["set", "catalog", "canary", "0.001", "--why", "x"], 2, "decimals"),
        (["set", "catalog", "canary", "--why", "x"], 2, "canary 10"),
        (["set", "basket", "shadow", "--why", "x"], 2, "catalog"),
        (["set", "catalog", "canary", "-1", "--why", "x"], 2, "-1"),
        (["abort", "basket"], 2, "catalog"),
    ],
)
@pytest.mark.parametrize("runs", [True, False])
def test_what_cannot_be_done_is_said_with_its_mend_and_changes_nothing(
    shared_fig: Fig, tmp_path: Path, arguments: list[str], code: int, word: str, runs: bool
) -> None:
    target = shared_fig if runs else Fig(tmp_path, shared_fig.original)
    if runs:
        shared_fig.reset()
    before = target.config.read_text()
    result = run(target, *arguments)
    assert result.exit_code == code, result.output
    assert word in result.output
    assert target.config.read_text() == before


@pytest.mark.parametrize("runs", [True, False])
def test_a_percent_outside_canary_is_written_and_said_to_count_later(
    shared_fig: Fig, tmp_path: Path, runs: bool
) -> None:
    target = shared_fig if runs else Fig(tmp_path, shared_fig.original)
    if runs:
        shared_fig.reset()
    result = run(target, "set", "catalog", "shadow", "20", "--why", "x")
    assert result.exit_code == 0, result.output
    assert "percent 20 is in the file; it counts in canary only" in result.stdout
    assert "percent: 20" in target.config.read_text()
    assert "percent" not in run(target, "set", "catalog", "canary", "--why", "x").stdout


def test_a_file_with_mistakes_is_2_also_when_the_proxy_says_so(fig: Fig) -> None:
    fig.save(fig.original + "bogus: 1\n")
    wait_until(lambda: fig.status()["config_bad"])
    result = run(fig, "set", "catalog", "shadow", "--why", "x")
    assert result.exit_code == 2
    assert "bogus" in result.stderr


def test_status_says_in_words_what_was_changed(fig: Fig) -> None:
    fig.set("catalog", "service")
    run(fig, "abort", "catalog", "--why", "prices")
    shown = run(fig, "status").stdout
    assert "last change: abort written into fig.yaml" in shown
    assert "file_follows_abort" not in shown


def test_status_watched_as_json_is_a_document_a_line(fig: Fig) -> None:
    command = [sys.executable, "-m", "stranglerfig", "status", "--watch", "--json", "--config"]
    with subprocess.Popen(
        [*command, str(fig.config)], stdout=subprocess.PIPE, env=fig.environment
    ) as watching:
        assert watching.stdout is not None
        looks = [json.loads(watching.stdout.readline()) for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 130
    assert [look["running"] for look in looks] == [True, True]


def test_without_a_proxy_set_edits_the_file_and_says_so(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    result = run(fig, "set", "catalog", "canary", "5", "--why", "prepare")
    assert result.exit_code == 0
    assert "no proxy runs" in result.stdout
    assert "stage: canary   # the word one changes" in fig.config.read_text()
    assert fig.audit()[-1]["running"] is False
    assert as_json(fig, "set", "catalog", "canary", "--why", "x")["changed"] is False


def test_without_a_proxy_an_abort_is_kept_and_set_lifts_it(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    run(fig, "set", "catalog", "service", "--why", "x")
    first = as_json(fig, "abort", "catalog", "--why", "prices")
    assert (first["already_aborted"], first["persisted"], first["file_followed"]) == (
        False,
        True,
        True,
    )
    assert first["generation"] is None
    assert "stage: monolith" in fig.config.read_text()
    assert as_json(fig, "abort", "catalog")["already_aborted"] is True
    assert as_json(fig, "set", "catalog", "service", "--why", "x")["lifted_abort"] is True
    overrides = json.loads((fig.state_dir / "overrides.json").read_text())
    assert overrides == {"overrides": []}


def test_without_a_proxy_an_abort_needs_no_good_file_but_its_state_dir(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig()
    fig.config.write_text(fig.original + "bogus: 1\n")
    result = run(fig, "abort", "catalog")
    assert result.exit_code == 2
    assert "bogus" in result.output


def test_abort_and_status_find_the_proxy_of_a_broken_file(fig: Fig) -> None:
    fig.set("catalog", "service")
    fig.save(fig.original + "bogus: ][\n")
    wait_until(lambda: fig.status()["config_bad"])

    status = run(fig, "status")
    assert status.exit_code == 1
    assert "refused as it stands" in status.stdout
    assert f"{fig.config}:" in status.stdout

    result = run(fig, "abort", "catalog", "--why", "prices")
    assert result.exit_code == 0, result.output
    assert "aborted: on every worker after" in result.stdout
    assert "does not follow" in result.stdout
    assert json.loads(fig.get("/api/catalog/1")[2])["upstream"] == "monolith"
    assert "aborted" in run(fig, "status").stdout


def test_status_shows_both_sides_and_the_account(fig: Fig) -> None:
    fig.set("catalog", "canary", 100)
    for _ in range(3):
        fig.get("/api/catalog/1")
    wait_until(lambda: fig.status()["capabilities"][0]["requests_since_change"]["service"] >= 3)
    result = run(fig, "status")
    assert result.exit_code == 0
    for text in ("catalog", "canary 100 %", "workers 1/1 up", "comparer up", "a test", "no answer"):
        assert text in result.stdout
    found = as_json(fig, "status")
    assert found["running"] is True
    assert found["config_bad"] is None


def test_status_without_a_proxy_is_a_no(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    result = run(fig, "status")
    assert result.exit_code == 1
    assert "fig serve" in result.output
    assert as_json(fig, "status")["running"] is False


def test_a_serve_json_of_a_dead_or_foreign_process_is_not_believed(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig()
    fig.state_dir.mkdir()
    for pid in (os.getpid(), 2**22 - 1, -1, 10**30, "x", None):
        facts = {"pid": pid, "admin": "127.0.0.1:1", "listen": "127.0.0.1:1"}
        (fig.state_dir / "serve.json").write_text(json.dumps(facts))
        result = run(fig, "status")
        assert "no proxy runs" in result.output, pid
    for text in ("[]", "{}", "{", '{"pid": 1}', '{"pid": 1, "admin": 7}'):
        (fig.state_dir / "serve.json").write_text(text)
        assert "no proxy runs" in run(fig, "status").output, text


@pytest.mark.parametrize("command", ["serve", "status", "set", "abort"])
def test_help_shows_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"fig {command}" in result.stdout


@pytest.mark.parametrize(
    "command",
    ["", "init", "serve", "check", "explain", "status", "set", "abort", "diffs", "sign", "diffs show", "sign force"],
)  # fmt: skip
def test_no_help_asks_for_the_value_of_a_flag(command: str) -> None:
    assert "bool" not in CliRunner().invoke(app, [*command.split(), "--help"]).stdout


def test_the_help_of_set_marks_the_reason_as_required() -> None:
    lines = CliRunner().invoke(app, ["set", "--help"]).stdout.splitlines()
    assert any("*" in line and "--why" in line for line in lines)


def test_serve_prints_every_problem_of_the_file(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    fig.config.write_text(
        fig.original.replace("stage: monolith", "stage: sevice").replace("workers: 1", "workers: 0")
    )
    result = run(fig, "serve")
    assert result.exit_code == 2
    assert "sevice" in result.output
    assert "workers" in result.output
    assert not fig.state_dir.exists()


def test_serve_refuses_a_secret_that_cannot_be_read(
    make_fig: Callable[..., Fig], monkeypatch: pytest.MonkeyPatch
) -> None:
    fig = make_fig()
    monkeypatch.setenv("FIG_SECRET_FILE", str(fig.folder / "none"))
    result = run(fig, "serve")
    assert result.exit_code == 2
    assert "FIG_SECRET_FILE" in result.output


def test_serve_warns_of_a_secret_that_can_be_guessed(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    fig.environment["FIG_SECRET"] = "x" * 15
    fig.start()
    [warning] = [line for line in fig.log().splitlines() if "secret_can_be_guessed" in line]
    assert json.loads(warning)["level"] == "warning"
    assert "x" * 15 not in fig.log()


def test_unmarked_shadows_are_a_worry_once_there_are_shadows(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    del fig.environment["FIG_SECRET"]
    fig.start()
    wait_until(lambda: fig.status()["comparer"]["up"])
    fig.set("catalog", "monolith", 5)
    assert "shadows_are_unmarked" not in fig.log()
    fig.set("catalog", "shadow")
    wait_until(lambda: "shadows_are_unmarked" in fig.log())


@pytest.mark.slow
def test_on_a_terminal_serve_shows_where_it_is_and_ctrl_c_ends_it(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig()
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    fig.environment.pop("FIG_LOG")
    fig.process = subprocess.Popen(
        [sys.executable, "-m", "stranglerfig", "serve"],
        stdin=slave, stdout=slave, stderr=slave, env=fig.environment, start_new_session=True, cwd=fig.folder,
    )  # fmt: skip
    os.close(slave)
    fig.wait_ready()
    seen = b""
    while b"Ctrl-C" not in seen:
        seen += os.read(master, 4096)
    assert f"http://127.0.0.1:{fig.port}".encode() in seen
    admin = fig.facts()["admin"]
    for address in (f"http://{admin}/api/status", f"http://{admin}/metrics"):
        assert address.encode() in seen
    plain = Text.from_ansi(seen.decode().replace("\r\n", "\n")).plain
    banner = [line for line in plain.splitlines() if line.startswith(("╭", "│", "╰"))]
    assert max(map(len, banner)) <= 80
    assert any(line.startswith("│ config   fig.yaml  (watched)") for line in banner)
    fig.process.send_signal(signal.SIGINT)
    assert fig.process.wait(20) == 0
    os.close(master)
    assert fig.processes() == []


def test_an_unexpected_error_is_one_clear_line() -> None:
    code = "from stranglerfig.cli import main; main.app = lambda: 1 / 0; main.run()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "ZeroDivisionError" in done.stderr
    assert "--debug" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_a_command_with_130() -> None:
    code = (
        "from stranglerfig.cli import main\n"
        "def stop(): raise KeyboardInterrupt\n"
        "main.app = stop\n"
        "main.run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 130
