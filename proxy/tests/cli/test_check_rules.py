"""``fig check --rules``: which rules have earned their place, and the exit code that says so."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stranglerfig.cli.main import app
from stranglerfig.compare.diff.difference import Difference, Kind
from stranglerfig.compare.expectation import UNCHANGED
from stranglerfig.compare.ledger import Ledger
from stranglerfig.compare.record import Exchange
from stranglerfig.compare.redact import RedactedRequest
from stranglerfig.compare.rules import load_rules
from stranglerfig.compare.store import Store
from stranglerfig.compare.verdict import Verdict
from stranglerfig.counters import CounterBlock

FIG_YAML = """\
upstreams: {monolith: "http://127.0.0.1:8100", catalog: "http://127.0.0.1:8211"}
capabilities:
  catalog:
    upstream: catalog
    routes: [GET /api/**]
"""
RULE = """\
  - name: took
    action: ignore
    capability: catalog
    where: body
    path: $.took
    reason: r
    owner: search team
    expires: 2099-12-31
"""
EXPECT = """\
  - name: stock-added
    action: expect
    capability: catalog
    where: body
    path: $.rows[].stock
    kinds: [extra]
    reason: r
    owner: catalogue team
"""
EXCHANGE = Exchange(
    "r1", 1_790_000_000.0, "catalog", "GET /api/**", "shadow", "monolith", 7, "monolith", "catalog", 200, 200,
    RedactedRequest("GET", "/api/", (), None, 0),
)  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "fig.yaml").write_text(FIG_YAML)
    return tmp_path


def write(site: Path, *rules: str) -> None:
    (site / "fig.rules.yaml").write_text("rules:\n" + "".join(rules))


def compared(site: Path, times: int, hit: int = 0) -> None:
    """The comparer judged so often by the rules as they stand, and hit each in ``hit`` of them."""
    block = CounterBlock.open(site / ".fig" / "counters" / "comparer.cells")
    covering = load_rules(site / "fig.rules.yaml").for_route("catalog", "GET /api/**").covering
    ledger = Ledger(block)
    for number in range(times):
        hits = dict.fromkeys(covering, 2) if number < hit else {}
        ledger.judged("catalog", Verdict.IGNORED if hits else Verdict.EQUAL, hits, covering)
    block.close()


def check(site: Path, *words: str) -> Result:
    return CliRunner().invoke(
        app, ["check", "--rules", "--config", str(site / "fig.yaml"), *words], env={"COLUMNS": "80"}
    )


def standing(site: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = check(site, "--json", *words)
    told = json.loads(done.stdout)
    assert told["ok"] is (done.exit_code == 0)
    (rule,) = told["rules"]
    return done.exit_code, rule


def test_without_rules_nothing_fails(site: Path) -> None:
    done = check(site)
    assert (done.exit_code, "There are no rules" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("times", "hit", "words", "code", "expected"),
    [
        (0, 0, (), 0, "not enough"),
        (299, 0, (), 0, "not enough"),
        (300, 0, (), 1, "unused"),
        (300, 0, ("--enough", "301"), 0, "not enough"),
        (20, 0, ("--enough", "20"), 1, "unused"),
        (300, 1, (), 0, "fine"),
    ],
)
def test_a_rule_that_is_never_hit_fails_once_enough_was_compared(
    site: Path, times: int, hit: int, words: tuple[str, ...], code: int, expected: str
) -> None:
    write(site, RULE)
    compared(site, times, hit)
    found, rule = standing(site, *words)
    assert (found, rule["standing"]) == (code, expected)
    assert (rule["compared"], rule["hit_in"]) == (times, hit)
    assert (rule["last_hit"] is not None) == bool(hit)


def test_how_sure_that_is_and_when_it_was_hit_is_said(site: Path) -> None:
    write(site, RULE, RULE.replace("took", "other"))
    compared(site, 3000)
    lines = check(site).stdout.splitlines()
    assert lines[0] == "unused  took  ignore body $.took · catalog"
    assert (
        lines[1].strip() == "never hit in 3,000 comparisons: in fewer than 0.10% of answers (95 %)"
    )
    assert lines[2].strip() == "search team, until 2099-12-31"
    assert lines[-1] == "2 rules: 2 unused"
    write(site, RULE)
    compared(site, 1, 1)
    assert "hit in 1 of 3,001 comparisons, last 20" in check(site).stdout


def test_an_expired_rule_fails_and_is_warned_of(site: Path) -> None:
    write(site, RULE.replace("2099-12-31", "2026-01-31"))
    code, rule = standing(site)
    assert (code, rule["standing"]) == (1, "expired")
    assert "set a new day" in check(site).stdout
    plain = CliRunner().invoke(app, ["check", "--config", str(site / "fig.yaml")])
    assert plain.exit_code == 0
    assert "fig.rules.yaml:9:5: rules[0].expires: took expired on 2026-01-31" in plain.stderr


def test_a_rule_for_nothing_that_fig_yaml_claims_fails(site: Path) -> None:
    write(site, RULE.replace("catalog", "catalogue"))
    assert standing(site)[1]["standing"] == "stray"
    assert check(site).exit_code == 1


def test_hits_go_with_what_a_rule_covers_and_not_with_its_reason(site: Path) -> None:
    write(site, RULE)
    compared(site, 10, 10)
    write(site, RULE.replace("reason: r", "reason: better").replace("2099", "2098"))
    assert standing(site)[1]["hit_in"] == 10
    write(site, RULE.replace("$.took", "$.other"))
    assert standing(site)[1]["hit_in"] == 0
    write(site, RULE)
    assert standing(site)[1]["hit_in"] == 10


def test_an_expected_change_that_did_not_occur_fails(site: Path) -> None:
    write(site, EXPECT)
    compared(site, 4, 3)
    assert standing(site)[1]["standing"] == "fine"
    store = Store(site / ".fig" / "compare.db")
    path = "$.rows[].stock"
    store.add(EXCHANGE, [Difference(Kind.MISSING, "expected body", path, path, UNCHANGED, UNCHANGED)])  # fmt: skip
    store.close()
    code, rule = standing(site)
    assert (code, rule["standing"], rule["absent"]) == (1, "absent", 1)
    said = check(site).stdout
    assert "occurred in 3 of 4 comparisons" in said
    assert "1 times what it expects did not occur: fig diffs show 1" in said
    mended = [
        "diffs",
        "mark",
        "1",
        "fixed",
        "--why",
        "release 3",
        "--config",
        str(site / "fig.yaml"),
    ]
    assert CliRunner().invoke(app, mended).exit_code == 0
    assert standing(site)[1]["standing"] == "fine"


def test_a_bad_file_is_a_mistake_and_not_a_no(site: Path) -> None:
    write(site, RULE.replace("    owner: search team\n", ""))
    done = check(site)
    assert done.exit_code == 2
    assert "add `owner: WHO`" in done.stderr
