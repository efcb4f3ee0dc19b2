"""Comparison as its user meets it: a real proxy, stages changed by one word, rules saved while it runs."""

import json

import pytest
from compared import RULES, account, ask
from fig_process import Fig, Upstream, wait_until

from stranglerfig.compare.account import Account

pytestmark = pytest.mark.slow


def change(before: Account, after: Account) -> dict[str, int]:
    counts = {
        name: after.results.get(name, 0) - before.results.get(name, 0) for name in after.results
    }
    return {name: count for name, count in counts.items() if count}


@pytest.fixture
def comparing(fig: Fig) -> Fig:
    wait_until(lambda: fig.status()["comparer"]["state"].get("workers"))
    return fig


@pytest.mark.parametrize(("stage", "answering"), [("shadow", "monolith"), ("service", "catalog")])
def test_the_other_side_is_compared_whoever_answers(
    comparing: Fig, stage: str, answering: str
) -> None:
    comparing.set("catalog", stage)
    before = account(comparing)
    assert ask(comparing)["upstream"] == answering
    assert change(before, account(comparing)) == {"different": 1}
    found = json.loads(comparing.command("diffs", "catalog", "--json").stdout)
    (cluster,) = found["clusters"]
    assert (cluster["kind"], cluster["path"]) == ("value", "$.upstream")
    shown = json.loads(comparing.command("diffs", "show", str(cluster["id"]), "--json").stdout)
    example = shown["examples"][-1]
    assert (example["exchange"]["control"], example["exchange"]["candidate"]) == (
        "monolith",
        "catalog",
    )
    assert (example["control"]["length"], example["candidate"]["length"]) == (
        len("monolith"),
        len("catalog"),
    )
    assert "monolith" not in json.dumps(example["control"])


def test_in_stage_monolith_nobody_else_is_asked(comparing: Fig, catalog: Upstream) -> None:
    comparing.set("catalog", "monolith")
    before, asked = account(comparing), catalog.requests
    assert comparing.get("/api/catalog/")[0] == 200
    assert (account(comparing), catalog.requests) == (before, asked)


def test_rules_saved_while_it_runs_hold_from_then_on(comparing: Fig) -> None:
    comparing.set("catalog", "shadow")
    before = account(comparing)
    ask(comparing)
    assert change(before, account(comparing)) == {"different": 1}
    generation = comparing.generation
    rules = comparing.folder / "fig.rules.yaml"
    rules.write_text(RULES)
    try:
        wait_until(lambda: comparing.generation > generation, 20, comparing.log)
        wait_until(lambda: comparing.status()["comparer"]["generation"] == comparing.generation)
        before = account(comparing)
        ask(comparing)
        assert change(before, account(comparing)) == {"ignored": 1}
        assert account(comparing).rule_hits["who-answered"] == 1
        assert comparing.command("diffs", "catalog").returncode == 1
        since = comparing.command("diffs", "catalog", "--since", "change", "--json")
        found = json.loads(since.stdout)
        assert (since.returncode, found["clusters"]) == (0, [])
        assert found["accounts"]["catalog"]["asked"] == 1
        assert found["accounts"]["catalog"]["ignored"] == 1
        rules.write_text(RULES.replace("$.upstream", "$"))
        wait_until(lambda: comparing.status()["config_bad"])
        ask(comparing)
        assert account(comparing).rule_hits["who-answered"] == 2
    finally:
        rules.unlink()


def test_a_candidate_that_is_down_costs_users_nothing(comparing: Fig) -> None:
    comparing.set("catalog", "shadow")
    text = comparing.config.read_text()
    line = next(line for line in text.splitlines() if line.strip().startswith("catalog: http"))
    comparing.edit(line, "  catalog: http://127.0.0.1:1")
    digest = comparing.status()["digest"]
    wait_until(lambda: comparing.status()["digest"] != digest or comparing.status()["config_bad"])
    before = account(comparing)
    assert ask(comparing)["upstream"] == "monolith"
    assert change(before, account(comparing)) == {"no_answer": 1}
