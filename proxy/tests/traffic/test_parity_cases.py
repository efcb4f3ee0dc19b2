"""``@parity`` cases under a real pytest: what passes, what fails and what it says, what is never silently green."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from parity_shops import DjangoShop, Shop, run_pytest

ROWS = {"rows": [{"id": 1, "price": "10.00"}], "took": 3}
RULES = """\
rules:
  - {name: took, action: ignore, capability: catalog, where: body, path: $.took, reason: r, owner: o, expires: 2099-12-31}
"""
FIG_YAML = """\
upstreams: {monolith: "http://127.0.0.1:8100", catalog: "http://127.0.0.1:8211"}
capabilities: {catalog: {upstream: catalog, routes: [GET /api/catalog/**]}}
"""
IMPORTS = "from stranglerfig.testing import parity\n\n"


@pytest.fixture
def sides() -> Iterator[tuple[Shop, Shop]]:
    both = Shop(ROWS), Shop(ROWS)
    yield both
    for shop in both:
        shop.close()


def case(folder: Path, text: str) -> Path:
    (folder / "test_case.py").write_text(IMPORTS + text)
    return folder


def test_cases_pass_where_rules_cover_what_differs_and_a_table_is_a_test_each(
    sides: tuple[Shop, Shop], tmp_path: Path
) -> None:
    sides[1].said = {**ROWS, "took": 4}
    (tmp_path / "fig.rules.yaml").write_text(RULES)
    (tmp_path / "fig.yaml").write_text(FIG_YAML)
    text = """
@parity("GET /api/catalog/?page=2", capability="catalog")
def test_one() -> None: ...

@parity("GET /api/catalog/a/", "GET /api/catalog/b/")
def test_by_the_routes_of_fig_yaml() -> None: ...

@parity(capability="catalog")
class TestClass:
    @parity("HEAD /c/")
    def test_of_a_class(self) -> None: ...

def test_both(both) -> None:
    assert both.get("/api/catalog/").control.json()["took"] == 3

@parity("GET /api/catalog/", capability="payments")
def test_of_another_capability() -> None: ...
"""
    said = run_pytest(case(tmp_path, text), "-v", sides=sides)
    assert "test_by_the_routes_of_fig_yaml[GET /api/catalog/b/] PASSED" in said
    assert "5 passed" in said, said
    assert "value at body $.took" in said
    assert "1 failed" in said
    control, candidate = sides
    assert control.asked[0] == ("GET", "/api/catalog/?page=2", control.url.removeprefix("http://"))
    assert candidate.asked[0] == control.asked[0]


def test_a_failure_says_what_where_both_values_a_rule_and_how_to_ask_again(
    sides: tuple[Shop, Shop], tmp_path: Path
) -> None:
    sides[1].said = {"rows": [{"id": 1, "price": 10}], "took": 3}
    text = '@parity("GET /api/catalog/?page=2", capability="catalog", route="GET /api/catalog/**")\ndef test_it() -> None: ...\n'
    said = run_pytest(case(tmp_path, text), sides=sides)
    for line in (
        "GET /api/catalog/?page=2: the answers differ (no rules)",
        "  high: type at body $.rows[0].price, a value of another type",
        '      control    "10.00"',
        "      candidate  10",
        "      rule       - {name: body-rows-price-type, action: ignore, capability: catalog,",
        "route: 'GET /api/catalog/**', where: body, path: '$.rows[].price', kinds: [type], ",
        f"  control    curl -sS -i -g --path-as-is -H 'Host: {sides[0].url[7:]}'",
        f"  candidate  curl -sS -i -g --path-as-is -H 'Host: {sides[0].url[7:]}'",
    ):
        assert line in said, said
    assert "parity/both.py" not in said


def test_what_the_control_does_not_repeat_itself_is_told(
    sides: tuple[Shop, Shop], tmp_path: Path
) -> None:
    for shop in sides:
        shop.said = lambda: {"at": time.monotonic_ns()}
    said = run_pytest(case(tmp_path, '@parity("GET /")\ndef test_it() -> None: ...\n'), sides=sides)
    assert "the control, asked again, differs from itself here too" in said
    assert "exit code 1" in said


def test_a_limited_case_sees_its_difference_alone_and_is_never_silently_green(
    sides: tuple[Shop, Shop], tmp_path: Path
) -> None:
    text = """
@parity("GET /", place="body $.rows[].price", kind="value", status=200)
def test_price() -> None: ...
"""
    folder = case(tmp_path, text)
    candidate = sides[1]
    candidate.said = {"rows": [{"id": 1, "price": "9.00"}], "took": 4}
    said = run_pytest(folder, sides=sides)
    assert 'candidate  "9.00"' in said
    assert "$.took" not in said
    candidate.said = {**ROWS, "took": 4}
    assert "1 passed" in run_pytest(folder, sides=sides)
    candidate.said = {}
    said = run_pytest(folder, sides=sides)
    assert "value at body $.rows[].price, which cannot be compared while this differs" in said


UNASKABLE = (
    ('@parity("POST /cart/")\ndef test_it(): ...', "say that it may with parity(…, writes=True)"),
    ('def test_it(both):\n    both.post("/cart/", json={})', "parity(…, writes=True)"),
    ('def test_it(both):\n    both.login("/login/", {})', "parity(…, writes=True)"),
    ('def test_it(both):\n    both.get("cart")', "is no path to ask for"),
    ('@parity("/cart/")\ndef test_it(): ...', "'/cart/' is no request: write it as GET"),
    ('@parity("GET /", kind="values")\ndef test_it(): ...', "is no kind of difference"),
    ('@parity("GET /?q=<FILL IN: a value of q>")\ndef test_it(): ...', "<FILL IN: a value of q>"),
    ('@parity("GET /", headers={"Cookie": "<FILL IN: cookies>"})\ndef test_it(): ...', "<FILL IN: cookies>"),
    ('import unittest\nclass TestIt(unittest.TestCase):\n    @parity("GET /")\n    def test_it(self): ...', "plain classes"),
)  # fmt: skip


def test_what_cannot_be_asked_fails_and_asks_nothing(
    sides: tuple[Shop, Shop], tmp_path: Path
) -> None:
    for number, (text, _) in enumerate(UNASKABLE):
        (tmp_path / f"test_{number}.py").write_text(f"{IMPORTS}{text}\n")
    shown = run_pytest(tmp_path, "--continue-on-collection-errors", sides=sides)
    for _, said in UNASKABLE:
        assert said in shown
    assert re.search(r"= 6 failed, 3 errors in ", shown), shown
    assert len(UNASKABLE) == 6 + 3
    assert not sides[0].asked


def test_without_sides_a_case_is_skipped_with_the_mend_or_fails_if_told_to(
    sides: tuple[Shop, Shop], tmp_path: Path
) -> None:
    folder = case(tmp_path, '@parity("GET /")\ndef test_it() -> None: ...\n')
    said = run_pytest(folder)
    assert "1 skipped" in said
    assert "no control and no candidate given: --fig-control URL" in said
    said = run_pytest(folder, "--fig-strict", "--fig-control", sides[0].url)
    assert "no candidate given: --fig-control URL" in said
    assert "1 failed" in said
    said = run_pytest(folder, "--fig-control", "x", "--fig-candidate", sides[0].url)
    assert "fig_control, 'x':" in said
    ini = f"[pytest]\nfig_control = {sides[0].url}\nfig_candidate = {sides[1].url}\nfig_strict = true\n"
    (tmp_path / "pytest.ini").write_text(ini)
    assert "nowhere.yaml" in run_pytest(folder, "--fig-rules", "nowhere.yaml")
    sides[1].close()
    assert f"the candidate at {sides[1].url} gave no answer" in run_pytest(folder)


SESSION = """
import pytest

@parity(writes=True)
def test_the_cart(both) -> None:
    both.login("/login/", {"user": "ann", "password": "secret"})
    both.post("/cart/", json={"sku": "a", "quantity": 2})
    answers = both.get("/cart/")
    assert answers.candidate.json()["user"] == "ann"

@parity(writes=True)
def test_nobody_is_let_in(both) -> None:
    both.login("/login/", {"user": "ann", "password": "wrong"})

@parity("GET /cart/", status=302)
def test_every_test_begins_without_cookies() -> None: ...
"""


@pytest.mark.parametrize(("flaw", "counts"), [("", "1 failed, 2 passed"), ("text", "2 failed, 1 passed")])  # fmt: skip
def test_a_session_of_two_django_shops_keeps_cookies_and_tokens_for_each(
    tmp_path: Path, flaw: str, counts: str
) -> None:
    pytest.importorskip("django")
    sides = DjangoShop(), DjangoShop(flaw)
    try:
        said = run_pytest(case(tmp_path, SESSION), sides=sides)
    finally:
        for shop in sides:
            shop.close()
    assert counts in said, said
    assert "POST /login/: the control lets nobody in (status 200" in said
    assert ("type at body $.lines[0].quantity" in said) == (flaw == "text")
    assert ('both.get("/cart/")' in said) == (flaw == "text")
