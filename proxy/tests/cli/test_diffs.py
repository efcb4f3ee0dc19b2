"""``fig diffs``: the account and the clusters, from files alone, with the right exit code."""

import json
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stranglerfig.cli.main import app
from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.record import Exchange
from stranglerfig.compare.redact import RedactedRequest
from stranglerfig.compare.rules import parse_rules
from stranglerfig.compare.store import Store
from stranglerfig.counters import CounterBlock, names

FIG_YAML = """
upstreams:
  monolith: http://127.0.0.1:8100
  catalog: http://127.0.0.1:8211
capabilities:
  catalog:
    upstream: catalog
    stage: shadow
    routes: [GET /api/catalog/**]
  payments:
    upstream: catalog
    routes: [GET /api/payments/**]
"""
EXCHANGE = Exchange(
    request_id="r-17", seen_at=1_790_000_000.0, capability="catalog", route="GET /api/catalog/**", stage="shadow",
    answered_side="monolith", generation=7, control="monolith", candidate="catalog", control_status=200,
    candidate_status=200,
    request=RedactedRequest(
        "GET", "/api/catalog/?q=aaa~1f&page=2", (("Host", "shop.example"), ("Accept-Encoding", "gzip")), "user:ab12", 0
    ),
)  # fmt: skip
PRICE = Difference(
    Kind.FORMAT, "body", "$.rows[3].price", "$.rows[].price",
    Shape("number", 4, "d.dd", "aaaaaaaaaaaa"), Shape("number", 3, "d.d", "bbbbbbbbbbbb"),
)  # fmt: skip
VARY = Difference(
    Kind.MISSING, "header vary", "[cookie]", "[cookie]",
    Shape("string", 6, "aaaaaa", "cc", clear="cookie"), Shape("absent"),
)  # fmt: skip

Fig = Callable[..., Result]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "fig.yaml").write_text(FIG_YAML)
    (tmp_path / ".fig").mkdir()
    return tmp_path


@pytest.fixture
def fig(shop: Path) -> Fig:
    def run(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", str(shop / "fig.yaml")])

    return run


def count(shop: Path, slot: str, name: str, number: int, **labels: str) -> None:
    block = CounterBlock.open(shop / ".fig" / "counters" / f"{slot}.cells")
    block.add(block.cell(name, capability="catalog", **labels), number)
    block.close()


def compared(shop: Path, **results: int) -> None:
    total = sum(results.values())
    count(shop, "worker-0", names.ASKED, total)
    count(shop, "worker-0", names.TEED, total)
    for result, number in results.items():
        count(shop, "comparer", names.RESULTS, number, result=result)


def store(shop: Path, *differences: Difference, times: int = 1) -> None:
    kept = Store(shop / ".fig" / "compare.db")
    for second in range(times):
        kept.add(replace(EXCHANGE, seen_at=EXCHANGE.seen_at + second), differences)
    kept.close()


def test_nothing_compared_is_fine_and_says_what_to_do(fig: Fig) -> None:
    result = fig("diffs")
    assert result.exit_code == 0
    assert "Nothing was compared yet" in result.output
    assert fig("diffs", "catalog").exit_code == 0


def test_no_difference_is_fine_and_says_how_sure(fig: Fig, shop: Path) -> None:
    compared(shop, equal=2990, ignored=10)
    result = fig("diffs", "catalog")
    assert result.exit_code == 0
    assert (
        "no difference in 3,000 comparisons: with 95 % confidence fewer than 0.115%"
        in result.output
    )


def test_differences_are_listed_by_severity_then_by_count_and_end_with_1(
    fig: Fig, shop: Path
) -> None:
    compared(shop, equal=90, different=10)
    store(shop, VARY, replace(PRICE, kind=Kind.VALUE))
    store(shop, PRICE, times=9)
    store(shop, replace(PRICE, template="$.rows[].cost"), times=5)
    result = fig("diffs")
    assert result.exit_code == 1
    assert "10.00% of 100 comparisons differ" in result.output
    listed = [line.split() for line in result.output.splitlines() if line.endswith(("price", "cost", "[cookie]"))]  # fmt: skip
    assert [(words[1], words[2], words[-1]) for words in listed] == [
        ("1", "high", "[cookie]"), ("1", "medium", "$.rows[].price"),
        ("9", "low", "$.rows[].price"), ("5", "low", "$.rows[].cost"),
    ]  # fmt: skip
    assert "fig diffs show 1" in result.output
    shown = fig("diffs", "show", "1").output
    assert "severity high: a cache may hand one user's answer to another" in shown


def test_the_account_names_every_outcome_and_reason(fig: Fig, shop: Path) -> None:
    compared(shop, equal=5, different=1, ignored=2, no_answer=3)
    count(shop, "worker-0", names.ASKED, 9)
    count(shop, "worker-0", names.TEED, 5)
    count(shop, "worker-0", names.TEE_SKIPPED, 3, reason="queue_full")
    count(shop, "comparer", names.SKIPPED, 2, reason="stale")
    count(shop, "comparer", names.LOST, 1, process="worker")
    count(shop, "comparer", names.NO_ANSWER, 3, reason="response_timeout")
    line = next(line for line in fig("diffs").output.splitlines() if line.startswith("catalog"))
    assert line == (
        "catalog  asked 20 · equal 5 · different 1 · ignored 2 · no answer 3 (response_timeout 3)"
        " · skipped 5 (queue_full 3, stale 2) · lost 1 (worker 1) · waiting 3"
    )
    account = json.loads(fig("diffs", "--json").stdout)["accounts"]["catalog"]
    outcomes = ("equal", "different", "ignored", "no_answer", "waiting")
    ended = (
        sum(account[name] for name in outcomes)
        + sum(account["skipped"].values())
        + sum(account["lost"].values())
    )
    assert account["asked"] == ended == 20


def test_the_json_listing_is_one_document(fig: Fig, shop: Path) -> None:
    store(shop, PRICE, VARY)
    result = fig("diffs", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["accounts"] == {}
    assert [(each["kind"], each["where"], each["path"]) for each in document["clusters"]] == [
        ("missing", "header vary", "[cookie]"), ("format", "body", "$.rows[].price"),
    ]  # fmt: skip
    assert [each["severity"] for each in document["clusters"]] == ["high", "low"]
    assert document["clusters"][0]["why"] == "a cache may hand one user's answer to another"
    assert document["clusters"][0]["first_seen"] == "2026-09-21T14:13:20.000+00:00"


def test_a_difference_that_was_counted_and_not_stored_still_ends_with_1(
    fig: Fig, shop: Path
) -> None:
    compared(shop, equal=5, different=1)
    assert fig("diffs").exit_code == 1


def test_another_capability_has_no_part_in_it(fig: Fig, shop: Path) -> None:
    compared(shop, different=1)
    store(shop, PRICE)
    result = fig("diffs", "payments")
    assert result.exit_code == 0
    assert "Nothing of payments was compared yet" in result.output


def test_old_differences_can_be_left_out(fig: Fig, shop: Path) -> None:
    compared(shop, different=1)
    store(shop, PRICE)
    assert fig("diffs", "--since", "24h").exit_code == 0


def test_a_long_list_is_cut_and_says_so(fig: Fig, shop: Path) -> None:
    store(shop, *(replace(PRICE, template=f"$.field{number}") for number in range(9)))
    result = fig("diffs", "--limit", "4")
    assert "… and 5 more: --limit 9" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("diffs", "unknown"), "there is no capability 'unknown'"),
        (("diffs", "--since", "soon"), "is not a duration"),
        (("diffs", "show", "7"), "there is no difference 7"),
        (("diffs", "show", "$.nowhere"), "there is no difference at '$.nowhere'"),
        (("diffs", "catalog", "payments"), "payments"),
    ],
)
def test_a_mistake_in_the_call_ends_with_2(fig: Fig, words: tuple[str, ...], said: str) -> None:
    result = fig(*words)
    assert result.exit_code == 2
    assert said in result.output


def test_a_broken_store_is_told(fig: Fig, shop: Path) -> None:
    (shop / ".fig" / "compare.db").write_bytes(b"not a database" * 500)
    result = fig("diffs")
    assert result.exit_code == 1
    assert "cannot be read" in result.output


def test_one_difference_is_shown_side_by_side_with_curl_for_both_sides(
    fig: Fig, shop: Path
) -> None:
    store(shop, PRICE)
    result = fig("diffs", "show", "1")
    assert result.exit_code == 0
    for text in (
        "$.rows[3].price", "number (4) d.dd #aaaaaaaaaaaa", "number (3) d.d #bbbbbbbbbbbb", "request r-17",
        "the monolith answered the user", "monolith (monolith)", "service (catalog)", "user:ab12",
        "it was sent with credentials", "stand-ins",
    ):  # fmt: skip
        assert text in result.output
    curls = [
        shlex.split(line) for line in result.output.splitlines() if line.strip().startswith("curl")
    ]
    assert [words[-1] for words in curls] == [
        "http://127.0.0.1:8100/api/catalog/?q=aaa~1f&page=2",
        "http://127.0.0.1:8211/api/catalog/?q=aaa~1f&page=2",
    ]
    assert "Host: shop.example" in curls[0]


def test_both_sides_can_be_asked_again_by_one_command(fig: Fig, shop: Path) -> None:
    store(shop, PRICE)
    both = (
        "fig same --control http://127.0.0.1:8100 --candidate http://127.0.0.1:8211 "
        "--host shop.example '/api/catalog/?q=aaa~1f&page=2'"
    )
    assert both in fig("diffs", "show", "1").output
    told = json.loads(fig("diffs", "show", "1", "--json").stdout)
    assert told["same"] == both
    assert set(told["curl"]) == {"monolith", "service"}


@pytest.mark.parametrize("place", ["$.rows[].price", "body $.rows[].price"])
def test_a_difference_is_found_by_its_place(fig: Fig, shop: Path, place: str) -> None:
    store(shop, PRICE, VARY)
    shown = json.loads(fig("diffs", "show", place, "--json").stdout)
    assert shown["path"] == "$.rows[].price"


def test_a_place_with_several_differences_asks_for_a_number(fig: Fig, shop: Path) -> None:
    store(shop, PRICE, replace(PRICE, kind=Kind.VALUE))
    result = fig("diffs", "show", "$.rows[].price")
    assert result.exit_code == 2
    assert "2 differences are at" in result.output
    assert "(format, body $.rows[].price)" in result.output


def test_of_the_examples_the_newest_are_shown(fig: Fig, shop: Path) -> None:
    store(shop, PRICE, times=3)
    shown = json.loads(fig("diffs", "show", "1", "--examples", "2", "--json").stdout)
    first = EXCHANGE.seen_at
    assert [each["exchange"]["seen_at"] for each in shown["examples"]] == [first + 1, first + 2]


def test_differences_seen_as_often_are_listed_by_place(fig: Fig, shop: Path) -> None:
    store(shop, replace(PRICE, template="$.b"), replace(PRICE, template="$.a"))
    listed = json.loads(fig("diffs", "--json").stdout)["clusters"]
    assert [each["path"] for each in listed] == ["$.a", "$.b"]


def test_a_shown_value_is_shown(fig: Fig, shop: Path) -> None:
    store(shop, VARY)
    assert "string cookie" in fig("diffs", "show", "1").output


def test_the_offered_rule_is_one_that_the_loader_takes_and_that_covers_it(
    fig: Fig, shop: Path
) -> None:
    null = replace(PRICE, kind=Kind.NULL)
    status = Difference(Kind.VALUE, "status", "", "", Shape("number"), Shape("number"))
    differences = [PRICE, VARY, null, status]
    store(shop, *differences)
    for number, difference in enumerate(differences, start=1):
        text = json.loads(fig("diffs", "show", str(number), "--json").stdout)["rule"]
        assert text in fig("diffs", "show", str(number)).output
        rules = parse_rules(text, Path("fig.rules.yaml"))
        assert rules.for_route("catalog", "GET /api/catalog/**").ignoring(difference), text


@pytest.mark.parametrize(
    ("place", "why"), [("$", "whole body"), ("$.line[]", "silence the whole page")]
)
def test_no_rule_is_offered_that_would_silence_a_page(
    fig: Fig, shop: Path, place: str, why: str
) -> None:
    store(shop, replace(PRICE, template=place, path=place))
    told = json.loads(fig("diffs", "show", "1", "--json").stdout)
    assert told["rule"] is None
    assert why in told["why_no_rule"]
    shown = fig("diffs", "show", "1").output
    assert why in shown
    assert "rules:" not in shown


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_tells_both_uses_and_the_options_of_the_listing(flag: str) -> None:
    result = CliRunner().invoke(app, ["diffs", flag])
    assert result.exit_code == 0
    for text in ("--since", "--limit", "--json", "fig diffs show ID"):
        assert text in result.output
    assert "Ends with 1" not in CliRunner().invoke(app, ["diffs", "show", flag]).output


def test_differences_are_found_from_a_trace_or_a_request(fig: Fig, shop: Path) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    kept = Store(shop / ".fig" / "compare.db")
    kept.add(EXCHANGE, [VARY])
    kept.add(replace(EXCHANGE, request_id="r-18", trace_id=trace_id), [PRICE])
    kept.close()
    compared(shop, different=2)
    for wanted in (trace_id, "r-18"):
        result = fig("diffs", "--trace", wanted)
        assert result.exit_code == 1
        assert "$.rows[].price" in result.output
        assert "vary" not in result.output
    assert fig("diffs", "--trace", "unknown").exit_code == 0
    assert f"request r-18 · trace {trace_id} ·" in fig("diffs", "show", "2").output
    assert "trace" not in fig("diffs", "show", "1").output.splitlines()[3]


def test_an_example_of_an_earlier_version_has_no_trace(fig: Fig, shop: Path) -> None:
    store(shop, PRICE)
    path = shop / ".fig" / "compare.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE example SET document = json_remove(document, '$.exchange.trace_id')")  # fmt: skip
    assert "request r-17 · stage" in fig("diffs", "show", "1").output
    assert fig("diffs", "--trace", "r-17").exit_code == 1
