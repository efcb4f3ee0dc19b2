"""An abort does not wait until fig.yaml is mended, wherever its state_dir is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fig_process import Fig, wait_until
from typer.testing import CliRunner, Result

from stranglerfig.cli.main import app
from stranglerfig.config.load import state_dir_of_broken


@pytest.fixture(autouse=True)
def _no_admin_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIG_ADMIN_URL", raising=False)


def run(fig: Fig, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(fig.config)])


@pytest.fixture
def deep_fig(make_fig: Callable[..., Fig]) -> Fig:
    """A proxy whose state_dir is not beside the file."""
    fig = make_fig()
    fig.state_dir = fig.folder / "var" / "lib" / "fig"
    fig.save(f"state_dir: var/lib/fig  # far away\n{fig.original}")
    return fig


def test_an_abort_over_a_broken_file_finds_a_proxy_with_another_state_dir(deep_fig: Fig) -> None:
    deep_fig.start()
    deep_fig.set("catalog", "service")
    deep_fig.save(deep_fig.config.read_text() + "bogus: ][\n")
    wait_until(lambda: deep_fig.status()["config_bad"])
    result = run(deep_fig, "abort", "catalog", "--why", "prices")
    assert result.exit_code == 0, result.output
    assert "aborted: on every worker after" in result.stdout
    assert json.loads(deep_fig.get("/api/catalog/1")[2])["upstream"] == "monolith"


def test_an_abort_over_a_broken_file_is_kept_for_the_next_proxy(deep_fig: Fig) -> None:
    assert run(deep_fig, "set", "catalog", "service", "--why", "x").exit_code == 0
    good = deep_fig.config.read_text()
    deep_fig.save(good + "bogus: ][\n")
    result = run(deep_fig, "abort", "catalog")
    assert result.exit_code == 0, result.output
    assert "no proxy runs" in result.stdout
    assert "does not follow" in result.stdout
    deep_fig.save(good)
    deep_fig.start()
    assert json.loads(deep_fig.get("/api/catalog/1")[2])["upstream"] == "monolith"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bogus: ][", ".fig"),
        ("a: ][\nstate_dir: 'x y' # here\n", "x y"),
        ("state_dir: /var/lib/fig", "/var/lib/fig"),
        ("  state_dir: inner", ".fig"),
        ("state_dir: [", None),
        ("state_dir:", None),
        ("state_dir: {a: b}", None),
    ],
)
def test_the_line_of_state_dir_is_read_by_itself(
    tmp_path: Path, text: str, found: str | None
) -> None:
    path = tmp_path / "fig.yaml"
    path.write_text(text)
    assert state_dir_of_broken(path) == (None if found is None else tmp_path / found)


def test_without_a_file_nothing_is_guessed(tmp_path: Path) -> None:
    (tmp_path / ".fig").mkdir()
    assert state_dir_of_broken(tmp_path / "fig.yaml") is None
