"""``fig diffs``: lag, noise, and how sure each kind of request is; from files alone, and fit for a narrow terminal."""

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from stranglerfig.cli import accounts, coverage, diffs_list, noise
from stranglerfig.cli.main import app
from stranglerfig.compare.evidence_rows import Era, FieldRow, NoiseRow, Row, StratumRow
from stranglerfig.compare.evidence_store import EVIDENCE_NAME, EvidenceStore
from stranglerfig.compare.ledger import Ledger
from stranglerfig.compare.verdict import Verdict
from stranglerfig.counters import CounterBlock, names

ROUTE = "GET /api/catalog/**"
FIG_YAML = f"""
upstreams:
  monolith: http://127.0.0.1:8100
  catalog: http://127.0.0.1:8211
capabilities:
  catalog:
    upstream: catalog
    stage: shadow
    routes: [{ROUTE}, GET /api/search, POST /api/orders, {{match: GET /api/old/**, stage: monolith}}]
"""
TOKEN = NoiseRow("catalog", ROUTE, "value", "body", "$.token", both=12, excused=12, format="uuid")
MOOD = NoiseRow(
    "catalog", ROUTE, "value", "body", "$.mood", b=41, c=9, refused=30, refusal="the candidate differs more often"
)  # fmt: skip
ROWS = NoiseRow("catalog", ROUTE, "size", "body", "$.rows", c=2, refused=2, refusal="the size changed")  # fmt: skip
PRICE = NoiseRow("catalog", ROUTE, "value", "body", "$.price", b=7)

Fig = Callable[..., Result]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "fig.yaml").write_text(FIG_YAML)
    (tmp_path / ".fig").mkdir()
    return tmp_path


@pytest.fixture
def fig(shop: Path) -> Fig:
    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["diffs", *words, "--config", str(shop / "fig.yaml")])

    return run


def kept(shop: Path, *rows: Row) -> None:
    store = EvidenceStore(shop / ".fig" / EVIDENCE_NAME)
    assert store.write(rows)
    store.close()


def counted(shop: Path, *verdicts: Verdict) -> None:
    block = CounterBlock.open(shop / ".fig" / "counters" / "comparer.cells")
    for name in (names.ASKED, names.TEED):
        block.add(block.cell(name, capability="catalog"), len(verdicts))
    ledger = Ledger(block)
    for verdict in verdicts:
        if verdict is Verdict.LAG:
            ledger.healed("catalog", "candidate_caught_up", 0.4)
        ledger.judged("catalog", verdict, {})
    block.close()


def stratum(trials: int, events: int = 0, *, ago_s: float = 3600.0, **changes: object) -> StratumRow:  # fmt: skip
    row = StratumRow("catalog", ROUTE, "GET", "2xx", "guest", trials, events, 0, trials, events, 3, time.time() - ago_s)  # fmt: skip
    for name, value in changes.items():
        setattr(row, name, value)
    return row


def test_lag_and_noise_are_counted_apart_and_the_sum_adds_up(fig: Fig, shop: Path) -> None:
    counted(shop, Verdict.EQUAL, Verdict.LAG, Verdict.LAG, Verdict.NOISE)
    result = fig()
    assert result.exit_code == 0
    assert (
        "catalog  asked 4 · equal 1 · different 0 · ignored 0 · lag 2 (candidate_caught_up 2) · noise 1"
        " · no answer 0 · skipped 0 · lost 0 · waiting 0"
    ) in result.output
    assert "no difference in 3 comparisons" in result.output
    assert "what healed had by 0.4 s in half of the cases, by 0.5 s in 99 %" in result.output
    account = json.loads(fig("--json").output)["accounts"]["catalog"]
    assert (account["compared"], account["lag"], account["noise"]) == (4, 2, 1)
    assert account["lag_s"] == {"p50": 0.375, "p99": 0.497}


def test_lag_is_listed_by_place(fig: Fig, shop: Path) -> None:
    kept(shop, NoiseRow("catalog", ROUTE, "value", "body", "$.stock", healed=7, b=1))
    counted(shop, *[Verdict.LAG] * 7)
    output = fig().output
    assert "Lag: where what differed healed" in output
    assert "7  value      body $.stock" in output
    assert "Noise" not in output
    (listed,) = json.loads(fig("--json").output)["lag"]
    assert (listed["path"], listed["healed"]) == ("$.stock", 7)


def test_without_lag_or_noise_nobody_is_told_of_them(fig: Fig, shop: Path) -> None:
    counted(shop, Verdict.EQUAL)
    assert "lag" not in fig().output
    assert "noise" not in fig().output.lower()


def test_noise_alone_is_nothing_known(fig: Fig, shop: Path) -> None:
    counted(shop, Verdict.NOISE, Verdict.NOISE)
    assert "2 comparisons, and all differ by noise alone: nothing is known" in fig().output


def test_noise_is_listed_with_what_it_covers_and_what_was_refused(fig: Fig, shop: Path) -> None:
    kept(shop, PRICE, ROWS, MOOD, TOKEN)
    counted(shop, Verdict.NOISE)
    output = fig().output
    lines = [line for line in output.splitlines() if " body $." in line]
    assert [line.split() for line in lines] == [
        ["0", "0", "12", "1.000", "value", "body", "$.token"],
        ["41", "9", "0", "<0.001", "value", "body", "$.mood"],
        ["0", "2", "0", "1.000", "size", "body", "$.rows"],
    ]
    assert "excused 12 times: a uuid, never that it is there or its form" in output
    assert "so a wrong one would not be seen" in output
    assert "refused 30 times: the candidate differs more often" in output
    assert "refused 2 times: the size changed" in output
    listed = {each["path"]: each for each in json.loads(fig("--json").output)["noise"]}
    assert listed["$.token"]["has_power"] is False
    assert listed["$.token"]["rule"]["kinds"] == ["value"]
    assert listed["$.mood"]["standing"] == "candidate worse"
    assert listed["$.mood"]["p"] == pytest.approx(2.8e-6, rel=0.1)
    assert listed["$.rows"]["standing"] == "refused"
    assert "$.price" not in listed


def test_coverage_says_how_many_more_and_how_long_that_takes(fig: Fig, shop: Path) -> None:
    kept(
        shop,
        Era("catalog", "d", time.time() - 3600),
        stratum(412, compared=2000),
        stratum(400, route="GET /api/search"),
        stratum(5000, status="3xx"),
        stratum(225, 26, signed_in="signed in"),
    )
    result = fig("--coverage", "--within", "0.1%")
    assert result.exit_code == 1
    assert "not enough: 412 of 3,440, about 7 h at this traffic" in result.output
    assert "GET · 2xx · guest · of 2,000 compared" in result.output
    assert "26 of 225 differ: not below 0.1 %" in result.output
    found = json.loads(fig("--coverage", "--within", "0.001", "--json").output)
    strata = {
        (each["route"], each["status"], each["signed_in"]): each
        for each in found["capabilities"]["catalog"]["strata"]
    }
    assert strata[ROUTE, "2xx", False]["outcome"] == "not enough"
    assert strata[ROUTE, "2xx", False]["needed"] == 3440
    assert strata[ROUTE, "2xx", False]["wait_s"] == pytest.approx(3600 * 3028 / 412, rel=0.01)
    assert strata[ROUTE, "3xx", False]["outcome"] == "enough"
    assert strata[ROUTE, "2xx", True]["outcome"] == "too many differ"
    assert strata[ROUTE, "2xx", True]["needed"] is None


def test_coverage_names_what_was_never_compared(fig: Fig, shop: Path) -> None:
    kept(
        shop,
        stratum(500),
        FieldRow("catalog", ROUTE, "$.name", seen=9, compared=9),
        FieldRow("catalog", ROUTE, "$.rows", seen=9, empty=9),
        FieldRow("catalog", ROUTE, "$.rows[].id", seen=3, compared=3),
        FieldRow("catalog", ROUTE, "$.discount", seen=9, empty=9),
        FieldRow("catalog", ROUTE, "$.took", seen=9, excused=9),
        FieldRow("catalog", ROUTE, "$.new", seen=9, alone=9),
    )
    block = CounterBlock.open(shop / ".fig" / "counters" / "worker-0.cells")
    for status, stage in (("2xx", "shadow"), ("4xx", "shadow"), ("5xx", "monolith")):
        cell = block.cell(names.REQUESTS, capability="catalog", stage=stage, side="monolith", status=status)  # fmt: skip
        block.add(cell, 37)
    block.close()
    found = json.loads(fig("--coverage", "--json").output)["capabilities"]["catalog"]
    unknown = {(each["what"], each["name"]): each["why"] for each in found["never_compared"]}
    assert unknown == {
        ("route", "GET /api/search"): "no answer of it was compared",
        ("route", "POST /api/orders"): "its requests change things, so nobody is asked twice",
        ("route", "GET /api/old/**"): "it is in stage monolith",
        ("status", "4xx"): "37 answers to users, none of them compared",
        ("field", "$.discount"): "null or empty in all of 9 answers",
        ("field", "$.took"): "a rule covers its value",
        ("field", "$.new"): "only one side has it, in all of 9 answers",
    }
    assert found["strata"][0]["outcome"] == "enough"
    assert found["enough"] is False
    assert fig("--coverage").exit_code == 1


def test_enough_everywhere_is_fine(fig: Fig, shop: Path) -> None:
    (shop / "fig.yaml").write_text(FIG_YAML.replace(", GET /api/search", ""))  # fmt: skip
    kept(shop, stratum(5000))
    result = fig("--coverage", "catalog", "--within", "0.1%")
    assert (result.exit_code, "not enough" in result.output) == (0, False)


def test_without_evidence_all_is_unknown(fig: Fig) -> None:
    result = fig("--coverage")
    assert result.exit_code == 1
    assert "unknown: nothing was compared" in result.output


@pytest.mark.parametrize("within", ["0", "100%", "x", "nan", "-1%", ""])
def test_a_rate_that_is_none_is_refused_with_the_mend(fig: Fig, within: str) -> None:
    result = fig("--coverage", "--within", within)
    assert result.exit_code == 2
    assert "write 1%, 0.1% or 0.001" in result.output


def test_a_file_that_cannot_be_read_is_no_answer(fig: Fig, shop: Path) -> None:
    (shop / ".fig" / EVIDENCE_NAME).write_bytes(b"no database at all" * 99)
    result = fig("--coverage")
    assert result.exit_code == 1
    assert "moves a broken one aside" in result.output


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("words", [(), ("--coverage", "--within", "0.1%")])
def test_lines_fit_the_terminal(
    fig: Fig, shop: Path, monkeypatch: pytest.MonkeyPatch, width: int, words: tuple[str, ...]
) -> None:
    kept(
        shop,
        *(TOKEN, MOOD, ROWS, stratum(412), stratum(225, 26, signed_in="signed in")),
        FieldRow("catalog", ROUTE, "$.results[].variants[].discount", seen=9, empty=9),
    )
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, no_color=True, width=width, highlight=False, soft_wrap=True)  # fmt: skip
    for module in (accounts, coverage, diffs_list, noise):
        monkeypatch.setattr(module, "out", terminal)
    fig(*words)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in screen.getvalue().splitlines()]
    assert len(lines) > 8
    assert [line for line in lines if len(line) > width] == []
