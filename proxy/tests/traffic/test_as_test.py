"""``fig diffs show ID --as-test``: a difference of the running proxy becomes a case that fails until it is mended."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from compared import account
from fig_process import Fig, wait_until
from parity_shops import Shop, run_pytest
from typer.testing import CliRunner

from stranglerfig.cli.main import app
from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.record import Exchange
from stranglerfig.compare.redact import RedactedRequest
from stranglerfig.compare.store import Store

RIGHT = {"rows": [{"id": 1, "price": "10.00"}], "took": 3}
WRONG = {"rows": [{"id": 1, "price": "9.00"}], "took": 4}
PRICE = Difference(Kind.VALUE, "body", "$.a", "$.a", Shape("number"), Shape("number"))
EXCHANGE = Exchange(
    "r1", 1_790_000_000.0, "catalog", "POST /quote", "shadow", "monolith", 7, "monolith", "catalog", 200, 200,
    RedactedRequest(
        "POST", "/quote?aaa~0123456789ab", (("Host", "shop.example"), ("Content-Type", "application/json")), "user:1", 17
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def monolith() -> Iterator[Shop]:
    shop = Shop(RIGHT)
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def catalog() -> Iterator[Shop]:
    shop = Shop(WRONG)
    yield shop
    shop.close()


@pytest.mark.slow
def test_a_difference_of_live_traffic_becomes_a_case_that_fails_and_passes_once_it_is_mended(
    make_fig: Callable[..., Fig], monolith: Shop, catalog: Shop, tmp_path: Path
) -> None:
    fig = make_fig().start()
    wait_until(lambda: fig.status()["comparer"]["state"].get("workers"))
    fig.set("catalog", "shadow")
    assert fig.get("/api/catalog/?page=2")[0] == 200
    wait_until(lambda: account(fig).results.get("different") == 1, 20, fig.log)
    found = json.loads(fig.command("diffs", "--json").stdout)["clusters"]
    (number,) = [each["id"] for each in found if each["path"] == "$.rows[].price"]
    (tmp_path / "cases").mkdir()
    file = tmp_path / "cases" / "test_price.py"
    written = fig.command("diffs", "show", str(number), "--as-test", str(file))
    assert written.returncode == 0, written.stderr
    assert f"--fig-control {monolith.url} --fig-candidate {catalog.url}" in written.stdout

    sides = monolith, catalog
    said = run_pytest(file.parent, sides=sides)
    assert "<FILL IN: a value of page, which looked like d>" in said, said
    assert "1 failed" in said
    text = file.read_text().replace("<FILL IN: a value of page, which looked like d>", "2")
    file.write_text(text)
    said = run_pytest(file.parent, sides=sides)
    assert 'control    "10.00"' in said, said
    assert "took" not in said
    assert "1 failed" in said
    catalog.said = {**RIGHT, "took": 4}
    assert "1 passed" in run_pytest(file.parent, sides=sides)
    assert monolith.asked[-1] == catalog.asked[-1]
    assert catalog.asked[-1][:2] == ("GET", "/api/catalog/?page=2")


@pytest.fixture
def fig(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    (tmp_path / ".fig").mkdir()
    (tmp_path / "fig.yaml").write_text(
        'upstreams: {monolith: "http://127.0.0.1:8100", catalog: "http://127.0.0.1:8211"}\n'
        "capabilities: {catalog: {upstream: catalog, routes: [{match: POST /quote, safe: true}]}}\n"
    )
    store = Store(tmp_path / ".fig" / "compare.db")
    store.add(EXCHANGE, [PRICE, Difference(Kind.VALUE, "body", "", "(others)", Shape("null"), Shape("null"))])  # fmt: skip
    store.close()

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        result = CliRunner().invoke(
            app, ["diffs", "show", *words, "-c", str(tmp_path / "fig.yaml")]
        )
        return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)

    return run


CASE = '''\
"""Difference 1 of catalog: value at body $.a.

POST /quote; severity medium: another value.
"""

from stranglerfig.testing import parity


@parity(
    "POST /quote?<FILL IN: a value, which looked like aaa>",
    capability="catalog",
    route="POST /quote",
    place="body $.a",
    kind="value",
    status=200,
    headers={
        "Host": "shop.example",
        "Content-Type": "application/json",
        "Cookie": "<FILL IN: the cookies of a user, such as sessionid=…; or take this out>",
    },
    content="<FILL IN: the body, of 17 bytes>",
    writes=True,  # fig.yaml says that it changes nothing
)
def test_catalog_body_a_value() -> None:
    pass
'''


def test_what_is_not_kept_is_a_placeholder(
    fig: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    bare = fig("1", "--as-test")
    assert bare.stdout == CASE, bare.stderr
    assert fig("1", "--as-test", "-").stdout == CASE
    (tmp_path / "cases").mkdir()
    assert fig("1", "--as-test", str(tmp_path / "cases" / "test_it.py")).returncode == 0
    said = run_pytest(tmp_path / "cases")
    assert said.count("  <FILL IN: ") == 3, said
    assert "1 failed" in said


def test_a_file_is_replaced_only_if_told_to(
    fig: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    file = tmp_path / "test_mine.py"
    file.write_text("mine")
    refused = fig("1", "--as-test", str(file))
    assert (refused.returncode, file.read_text()) == (2, "mine")
    assert "is there already" in refused.stderr
    assert "--force" in refused.stderr
    assert fig("1", "--as-test", str(file), "--force").returncode == 0
    assert file.read_text() == CASE
    assert "cannot be written" in fig("1", "--as-test", str(tmp_path / "no" / "x.py")).stderr


def test_of_places_that_are_counted_together_there_is_no_case(
    fig: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    refused = fig("2", "--as-test", "-")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "counts many places together" in refused.stderr
