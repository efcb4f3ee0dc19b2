"""``fig init``: a first file that works, and never over another one."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from fig_process import Upstream
from typer.testing import CliRunner, Result

from stranglerfig.cli.init import _write
from stranglerfig.cli.main import app
from stranglerfig.config.example import example_text
from stranglerfig.config.load import load
from stranglerfig.config.model import Address, Stage

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["init", *arguments])


def test_a_file_is_written_that_checks_without_a_complaint(
    run: Callable[..., Result], monolith: Upstream
) -> None:
    done = run("--upstream", monolith.url)
    assert done.exit_code == 0, done.output
    loaded = load("fig.yaml")
    assert loaded.warnings == ()
    assert loaded.config.upstreams["monolith"].authority in monolith.url
    assert loaded.config.capabilities == {}
    assert "answers (status 200)" in done.stdout
    assert "next: fig serve, then open http://127.0.0.1:8000/" in done.stdout
    assert done.stderr == ""


def test_the_example_capability_works_once_its_signs_are_taken_away(
    run: Callable[..., Result],
) -> None:
    run("--upstream", NOBODY)
    path = Path("fig.yaml")
    path.write_text(path.read_text().replace("\n  # ", "\n  "))
    [comment] = [line for line in path.read_text().splitlines() if "stage:" in line]
    assert all(stage in comment.partition("#")[2] for stage in Stage)  # true whatever it is set to
    assert [route.text for route in load(path).config.capabilities["catalog"].routes] == [
        "GET /api/catalog/**"
    ]


def test_addresses_and_place_can_be_chosen(run: Callable[..., Result]) -> None:
    done = run("--upstream", "http://[::1]:9", "--listen", "[::1]:80", "--admin", "127.0.0.1:81", "-c", "a.yaml")  # fmt: skip
    config = load("a.yaml").config
    assert (config.listen, config.admin) == (Address("::1", 80), Address("127.0.0.1", 81))
    assert "fig serve --config a.yaml" in done.stdout


def test_an_application_that_does_not_answer_is_a_warning(run: Callable[..., Result]) -> None:
    done = run("--upstream", NOBODY)
    assert done.exit_code == 0
    assert "gives no answer now" in done.stderr
    assert Path("fig.yaml").exists()


def test_an_application_that_hangs_is_not_waited_for_long(run: Callable[..., Result]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = run("--upstream", f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "gives no answer now" in done.stderr


def test_a_file_that_is_there_stays_as_it_is(run: Callable[..., Result]) -> None:
    Path("fig.yaml").write_text("mine")
    done = run("--upstream", NOBODY)
    assert done.exit_code == 1
    assert "not overwritten" in done.stderr
    assert Path("fig.yaml").read_text() == "mine"


def test_of_two_at_once_one_writes(run: Callable[..., Result], tmp_path: Path) -> None:
    wrote: list[int] = []

    def write(number: int) -> None:
        with contextlib.suppress(typer.Exit):
            _write(tmp_path / "fig.yaml", f"# {number}\n")
            wrote.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrote) == 1
    assert (tmp_path / "fig.yaml").read_text() == f"# {wrote[0]}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say where the application answers"),
        (["--upstream", "127.0.0.1:8100"], "--upstream: '127.0.0.1:8100' is not a URL"),
        (["--upstream", "ftp://h"], "--upstream: 'ftp://h' is not a URL of the form"),
        (["--upstream", "http://h/app"], "--upstream: 'http://h/app' holds more"),
        (["--upstream", "http://h\nlisten: x"], "--upstream"),
        (["--upstream", NOBODY, "--listen", "8000"], "--listen: "),
        (["--upstream", NOBODY, "--listen", "127.0.0.1:8001"], "--admin: "),
        (["--upstream", "http://127.0.0.1:8000"], "--upstream: 127.0.0.1:8000 is the proxy's own"),
        (["--upstream", NOBODY, "--config", "missing/fig.yaml"], "cannot be written"),
        (["--upstream", NOBODY, "--config", ""], "name a file"),
    ],
)
def test_a_mistake_in_the_call_writes_nothing(
    run: Callable[..., Result], arguments: list[str], message: str
) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "mend" in done.stderr.lower() or "usage" in done.stderr.lower()
    assert list(Path().iterdir()) == []


def test_json_says_what_was_done(run: Callable[..., Result], monolith: Upstream) -> None:
    done = run("--upstream", monolith.url, "--json")
    assert json.loads(done.stdout) == {
        "file": "fig.yaml", "upstream": monolith.url, "answers": 200,
    }  # fmt: skip


def test_the_annotated_example_is_printed_and_nothing_written(run: Callable[..., Result]) -> None:
    assert run("--example").stdout == example_text()
    assert json.loads(run("--example", "--json").stdout) == {"example": example_text()}
    assert list(Path().iterdir()) == []
