"""``fig check``: every mistake with its line, and what would change in the proxy that runs."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fig_process import Fig
from typer.testing import CliRunner, Result

from stranglerfig.cli.main import app

GOOD = """\
upstreams: {monolith: "http://127.0.0.1:8100", catalog: "http://127.0.0.1:8211"}
capabilities:
  catalog:
    upstream: catalog
    routes: [GET /api/**]
"""


def check(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", "--config", str(path), *arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fig.yaml"
    path.write_text(GOOD)
    return path


def test_a_good_file_is_fine(file: Path) -> None:
    done = check(file)
    assert done.exit_code == 0
    assert f"{file} is fine: upstreams 2, capabilities 1, routes 1" in done.stdout
    assert "no proxy runs on it" in done.stdout
    assert done.stderr == ""


def test_every_mistake_of_both_files_is_shown(file: Path) -> None:
    file.write_text(GOOD + "worker: 2\nlisten: x\n")
    rules = file.with_name("fig.rules.yaml")
    rules.write_text("rulez: []\n")
    done = check(file)
    assert done.exit_code == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"error: {file}:6:1: worker: the key is unknown")
    assert lines[1].startswith(f"error: {file}:7:1: listen: 'x' is not an address")
    assert lines[2].startswith(f"error: {rules}:1:1: rulez: the key is unknown")
    assert lines[3] == "3 mistakes; nothing would be taken over"


def test_a_mistake_in_the_rules_alone_is_one_too(file: Path) -> None:
    file.with_name("fig.rules.yaml").write_text("rules: [")
    done = check(file)
    assert done.exit_code == 2
    assert "fig.rules.yaml:1:" in done.stderr


def test_a_missing_file_leads_to_init(tmp_path: Path) -> None:
    done = check(tmp_path / "fig.yaml")
    assert done.exit_code == 2
    assert "fig init" in done.stderr


def test_doubts_do_not_fail(file: Path) -> None:
    file.write_text(GOOD + "    stage: canary\n")
    done = check(file)
    assert done.exit_code == 0
    assert "warning:" in done.stderr
    assert "0 percent" in done.stderr


def test_json_holds_all_of_it(file: Path) -> None:
    told: dict[str, Any] = json.loads(check(file, "--json").stdout)
    assert told["ok"] is True
    assert (told["problems"], told["warnings"], told["running"]) == ([], [], None)
    assert (told["keys"], told["changes"]) == ([], [])
    file.write_text(GOOD + "worker: 2\n")
    done = check(file, "--json")
    assert done.exit_code == 2
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert told["problems"] == [
        {
            "file": str(file), "line": 6, "column": 1, "where": "worker",
            "message": "the key is unknown", "mend": "did you mean workers?",
        }
    ]  # fmt: skip


def test_a_file_name_with_brackets_is_printed_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "[red]fig.yaml"
    path.write_text(GOOD + "'[bold]x': 2\n")
    assert f"{path}:6:1: [bold]x:" in check(path).stderr


def test_the_schema_is_printed_for_editors(tmp_path: Path) -> None:
    done = check(tmp_path / "missing.yaml", "--schema")
    assert done.exit_code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))


def test_nothing_would_change_against_the_same_file(fig: Fig) -> None:
    assert "no request would go elsewhere than in generation" in check(fig.config).stdout


def test_what_would_go_elsewhere_is_shown_against_what_runs(fig: Fig) -> None:
    other = fig.config.with_name("other.yaml")
    text = fig.config.read_text()
    other.write_text(text.replace("stage: monolith", "stage: shadow").replace("127.0.0.1:0", "127.0.0.1:1", 1))  # fmt: skip
    done = check(other)
    assert done.exit_code == 0, done.output
    assert "these requests would go elsewhere:" in done.stdout
    assert "GET /api/catalog/**" in done.stdout
    assert "GET /held/**" in done.stdout
    assert "listen differs from what runs, and needs a restart" in done.stderr
    told = json.loads(check(other, "--json").stdout)
    assert [change["requests"] for change in told["changes"]] == ["GET /api/catalog/**", "GET /held/**"]  # fmt: skip
    assert told["restart"] == ["listen"]
    assert told["running"]["generation"] >= 1
    other.unlink()


def test_keys_that_differ_are_shown_also_where_no_request_goes_elsewhere(fig: Fig) -> None:
    other = fig.config.with_name("other.yaml")
    text = fig.config.read_text().replace("catalog: http://", "catalog: https://", 1)
    other.write_text(text + "limits: {head_size: 32KiB}\naccess_log: json\n")
    done = check(other)
    assert done.exit_code == 0, done.output
    told = json.loads(check(other, "--json").stdout)
    other.unlink()
    lines = done.stdout.splitlines()
    begins = lines.index(f"against generation {fig.generation}, these keys differ:")
    url = fig.original.partition("catalog: ")[2].partition("\n")[0]
    assert lines[begins + 1 :] == [
        f"  upstreams.catalog.url: {url} -> {url.replace('http', 'https')}",
        "  access_log.format: none -> json",
        "  limits.head_size: 64KiB -> 32KiB",
        f"no request would go elsewhere than in generation {fig.generation}",
    ]
    assert told["changes"] == []
    assert told["keys"][1:] == [
        {"key": "access_log.format", "before": "none", "after": "json"},
        {"key": "limits.head_size", "before": "64KiB", "after": "32KiB"},
    ]


def test_a_proxy_that_gives_no_answer_is_a_warning(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIG_ADMIN_URL", "http://127.0.0.1:9")
    done = check(file)
    assert done.exit_code == 0
    assert "not compared with what runs" in done.stderr
    assert "error" in json.loads(check(file, "--json").stdout)["running"]
