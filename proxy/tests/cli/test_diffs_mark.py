"""``fig diffs mark``: decisions by people, how they are listed, and what they make of the exit code."""

import io
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from stranglerfig.cli import diffs_list
from stranglerfig.cli.main import app
from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.record import Exchange
from stranglerfig.compare.redact import RedactedRequest
from stranglerfig.compare.store import Store
from stranglerfig.compare.triage import watch_name
from stranglerfig.compare.triage_file import read_histories
from stranglerfig.control import audit
from stranglerfig.counters import CounterBlock, names

FIG_YAML = """\
upstreams: {monolith: "http://127.0.0.1:8100", catalog: "http://127.0.0.1:8211"}
capabilities:
  catalog:
    upstream: catalog
    stage: shadow
    routes: [GET /api/**, {match: POST /api/quote, safe: true}]
"""
SEEN_AT = 1_790_000_000.0
EXCHANGE = Exchange(
    "r-1", SEEN_AT, "catalog", "GET /api/**", "shadow", "monolith", 7, "monolith", "catalog", 200, 200,
    RedactedRequest("GET", "/api/", (("Host", "shop.example"),), None, 0), size=500,
)  # fmt: skip
PRICE = Difference(Kind.VALUE, "body", "$.price", "$.price", Shape("string", 4), Shape("string", 5))
STOCK = Difference(Kind.EXTRA, "body", "$.stock", "$.stock", Shape("absent"), Shape("number", 1))

Fig = Callable[..., Result]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "fig.yaml").write_text(FIG_YAML)
    (tmp_path / ".fig").mkdir()
    return tmp_path


@pytest.fixture
def fig(site: Path) -> Fig:
    def run(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(site / "fig.yaml")])

    return run


def store(site: Path, *differences: Difference, at: float = SEEN_AT, **changes: Any) -> None:
    kept = Store(site / ".fig" / "compare.db")
    assert kept.add(replace(EXCHANGE, seen_at=at, **changes), differences)
    kept.close()


def states(result: Result) -> dict[str, str]:
    return {each["path"]: each["state"] for each in json.loads(result.stdout)["clusters"]}


def test_a_decision_is_written_down_with_who_and_when_and_why(fig: Fig, site: Path) -> None:
    store(site, PRICE)
    done = fig("diffs", "mark", "1", "fixed", "--why", "release 3")
    assert done.exit_code == 0, done.output
    assert "1 is fixed (it was open): value at body $.price of GET /api/**" in done.stdout
    (history,) = read_histories(site / ".fig").values()
    assert history.mark is not None
    assert (history.mark.who, history.mark.why) == (audit.whoami(), "release 3")
    (entry,) = audit.read(site / ".fig")
    assert (entry["event"], entry["state"], entry["who"]) == ("difference_marked", "fixed", audit.whoami())  # fmt: skip
    told = json.loads(fig("diffs", "mark", "$.price", "open", "--why", "not yet", "--json").stdout)
    assert (told["state"], told["mark"]["why"]) == ("open", "not yet")
    shown = fig("diffs", "show", "1").stdout
    assert re.search(rf"  fixed     \S+ \S+ by {re.escape(audit.whoami())}: release 3\n  open      \S+ \S+ by ", shown)  # fmt: skip
    decisions = json.loads(fig("diffs", "show", "1", "--json").stdout)["decisions"]
    assert [each["state"] for each in decisions] == ["fixed", "open"]


def test_what_is_settled_ends_with_0_and_is_counted_below(fig: Fig, site: Path) -> None:
    store(site, PRICE, STOCK)
    fig("diffs", "mark", "1", "fixed", "--why", "release 3")
    assert fig("diffs").exit_code == 1
    fig("diffs", "mark", "2", "expected", "--why", "the app shows it")
    listed = fig("diffs")
    assert listed.exit_code == 0
    assert "$.price" not in listed.stdout
    assert "1 fixed, not listed: fig diffs --state fixed" in listed.stdout
    assert "expected 20" in listed.stdout
    assert "the app shows it" in listed.stdout
    assert states(fig("diffs", "--json")) == {"$.stock": "expected"}
    assert states(fig("diffs", "--state", "all", "--json")) == {"$.price": "fixed", "$.stock": "expected"}  # fmt: skip
    assert fig("diffs", "--state", "open").exit_code == 0


def test_what_comes_back_is_listed_first_and_ends_with_1(fig: Fig, site: Path) -> None:
    store(site, PRICE)
    fig("diffs", "mark", "1", "fixed", "--why", "release 3")
    (history,) = read_histories(site / ".fig").values()
    assert history.mark is not None
    store(site, STOCK)
    fig("diffs", "mark", "2", "expected", "--why", "x")
    store(site, PRICE, at=history.mark.at + 60)
    listed = fig("diffs")
    assert listed.exit_code == 1
    assert re.search(r"reopened \S+ \S+ · fixed \S+ \S+ by \S+: release 3", listed.stdout)
    assert listed.stdout.index("$.price") < listed.stdout.index("$.stock")
    assert states(fig("diffs", "--state", "reopened", "--json")) == {"$.price": "reopened"}
    assert "  reopened  20" in fig("diffs", "show", "1").stdout


def test_what_is_expected_and_has_stopped_ends_with_1_also_in_a_new_store(
    fig: Fig, site: Path
) -> None:
    store(site, STOCK)
    fig("diffs", "mark", "1", "expected", "--why", "the app shows it")
    ((signature, history),) = read_histories(site / ".fig").items()
    assert history.mark is not None
    block = CounterBlock.open(site / ".fig" / "counters" / "comparer.cells")
    cell = block.cell(names.EXPECTED_UNSEEN, capability="catalog", mark=watch_name(signature, history.mark))  # fmt: skip
    block.cells[cell] = history.mark.patience
    block.close()
    for listed in (fig("diffs"), fig("diffs", "--since", "1h")):
        assert listed.exit_code == 1
        assert "not seen in the last 30 comparisons" in listed.stdout
    assert "not seen in the last 30 comparisons of its route" in fig("diffs", "show", "1").stdout
    (site / ".fig" / "compare.db").unlink()
    gone = fig("diffs")
    assert gone.exit_code == 1
    assert re.search(
        r" – +0  medium     extra      body \$\.stock\n.*in no store any more", gone.stdout
    )


def test_a_decision_outlives_the_store(fig: Fig, site: Path) -> None:
    store(site, STOCK, PRICE)
    fig("diffs", "mark", "$.price", "fixed", "--why", "release 3")
    (site / ".fig" / "compare.db").write_bytes(b"broken" * 1000)
    store(site, PRICE)
    assert states(fig("diffs", "--state", "all", "--json")) == {"$.price": "fixed"}


def test_a_status_and_a_type_are_told_apart_by_what_they_were(fig: Fig, site: Path) -> None:
    def status(control: str, candidate: str) -> Difference:
        return Difference(Kind.VALUE, "status", "", "", Shape("number", clear=control), Shape("number", clear=candidate))  # fmt: skip

    store(site, status("200", "404"), status("200", "500"), PRICE)
    listed = fig("diffs").stdout
    assert "200 → 404 · GET /api/**" in listed
    assert "200 → 500 · GET /api/**" in listed
    assert "string → string" not in listed
    several = fig("diffs", "show", "status").stderr
    assert "give a number: 1 (value, status, 200 → 404), 2 (value, status, 200 → 500)" in several
    fig("diffs", "mark", "2", "fixed", "--why", "x")
    assert fig("diffs", "show", "2").stdout.startswith("value (200 → 500) at status of GET /api/**")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "12"), "there is no difference 12\nmend: did you mean 3 (value, body (others)) or 2 (extra, body $.stock)?"),
        (("mark", "12", "fixed", "--why", "x"), "there is no difference 12"),
        (("show", "$.prise"), "there is no difference at '$.prise'\nmend: did you mean 1 (value, body $.price)?"),
        (("show", "9" * 5000), "there is no difference at"),
        (("show", "²"), "there is no difference at '²'"),
        (("mark", "1", "fixed", "--why", " "), "say why with --why TEXT"),
        (("mark", "1", "fixed", "--why", "two\nlines"), "one line of at most 500 characters"),
        (("mark", "1", "fixed"), "Missing option '--why'"),
        (("mark", "1", "done", "--why", "x"), "'done' is not one of"),
        (("mark", "3", "fixed", "--why", "x"), "3 stands for many places"),
        (("--state", "closed"), "'closed' is not one of"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_call_ends_with_2_and_says_what_was_meant(
    fig: Fig, site: Path, words: tuple[str, ...], said: str
) -> None:
    store(site, PRICE, STOCK, replace(PRICE, template="(others)"))
    result = fig("diffs", *words)
    assert result.exit_code == 2
    assert said in result.output
    assert read_histories(site / ".fig") == {}


def test_without_any_difference_there_is_nothing_to_mark(fig: Fig) -> None:
    result = fig("diffs", "mark", "1", "fixed", "--why", "x")
    assert result.exit_code == 2
    assert "none was found yet" in result.output


def test_a_folder_that_cannot_be_written_is_told(fig: Fig, site: Path) -> None:
    store(site, PRICE)
    (site / ".fig" / "triage.jsonl").mkdir()
    result = fig("diffs", "mark", "1", "fixed", "--why", "x")
    assert result.exit_code == 1
    assert "mend" in result.output


def test_the_smallest_example_is_kept_named_and_asked_for(fig: Fig, site: Path) -> None:
    for number, size in enumerate((500, 90, 400, 300, 600, 700, 800, 900)):
        request = replace(EXCHANGE.request, target=f"/api/{number}/")
        store(site, PRICE, at=SEEN_AT + 2 * number, size=size, request=request)
    shown = fig("diffs", "show", "1").stdout
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("GET /api")] == [
        f"/api/{number}/" for number in (0, 1, 3, 4, 5, 6, 7)
    ]
    assert "GET /api/1/  the smallest: 90 bytes" in shown
    two = fig("diffs", "show", "1", "--examples", "2").stdout
    assert "the smallest" not in two
    alone = json.loads(fig("diffs", "show", "1", "--smallest", "--json").stdout)
    assert [each["exchange"]["size"] for each in alone["examples"]] == [90]
    assert alone["curl"]["service"].endswith(" http://127.0.0.1:8211/api/1/")


def test_a_body_that_is_not_kept_cannot_be_left_out_by_mistake(
    fig: Fig, site: Path, tmp_path: Path
) -> None:
    request = RedactedRequest("POST", "/api/quote", (("Host", "shop.example"),), None, 15)
    store(site, PRICE, route="POST /api/quote", request=request)
    told = json.loads(fig("diffs", "show", "1", "--json").stdout)
    assert told["same"] is None
    assert told["not_kept"] == [
        "it had a body of 15 bytes, which is not kept: BODY=FILE",
        "fig.yaml says that this POST changes nothing; by its method it could, on both sides",
    ]
    for command in told["curl"].values():
        assert "-X POST" in command
        assert command.endswith('--data-binary "@${BODY:?name a file with the body, which is not kept}"')  # fmt: skip
    refused = subprocess.run(["sh", "-c", told["curl"]["service"]], capture_output=True, text=True, check=False)  # fmt: skip
    assert refused.returncode != 0
    assert "name a file with the body" in refused.stderr


def test_an_expired_rule_is_named_where_its_difference_is(fig: Fig, site: Path) -> None:
    store(site, PRICE, STOCK)
    (site / "fig.rules.yaml").write_text(
        "rules: [{name: old-price, action: ignore, capability: catalog, where: body, path: $.price, reason: r,"
        " owner: o, expires: 2026-01-31}]"
    )
    assert "expired   2026-01-31 rule old-price, which covered it" in fig("diffs", "show", "1").stdout  # fmt: skip
    assert "old-price" not in fig("diffs", "show", "2").stdout


@pytest.mark.parametrize(("width", "count"), [(70, 3), (80, 2), (120, 2)])
def test_a_listing_fits_the_terminal_and_show_has_every_word(
    fig: Fig, site: Path, monkeypatch: pytest.MonkeyPatch, width: int, count: int
) -> None:
    store(site, PRICE)
    why = "the app of spring shows how many are left, and the catalogue team has agreed " * 3
    fig("diffs", "mark", "1", "expected", "--why", why)
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, no_color=True, width=width, highlight=False, soft_wrap=True)  # fmt: skip
    monkeypatch.setattr(diffs_list, "out", terminal)
    assert fig("diffs").exit_code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()
    listed = [line.rstrip() for line in lines if line.startswith(" " * 22)]
    assert [len(line) <= width for line in listed] == [True] * count
    assert listed[-1].endswith("…")
    assert why.strip() in fig("diffs", "show", "1").stdout
