"""Whoever answers, the shopper reads the same: status, headers in their order, body byte for byte."""

import dataclasses
import json
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

import pytest
from behaviour.asking import Answer, ask
from behaviour.cases import CASES, Case, Words
from behaviour.conftest import COMPARED, THROUGH_THE_PROXY, Target
from stack import Stack

CASE_NAME = attrgetter("name")
SAFE = ("GET", "HEAD", "OPTIONS")


def compare(
    target: Target, stack: Stack, method: str, path: str, headers: dict[str, str]
) -> Answer:
    """Ask both; they must agree. Gives the monolith's answer."""
    expected = ask(stack.monolith_url, method, path, headers)
    got = ask(target.url, method, path, headers)
    # The only things that the proxy may add: the cookies that keep a user on one side, and a writer where it was written.
    added = ("fig_user=",) if target.name == "proxy in canary" else ()
    if target.name in ("proxy in canary", "proxy in service") and method not in SAFE:
        added += ("fig_wrote=",)
    if added:
        assert all(v.startswith(added) for k, v in got.headers if k.lower() == "set-cookie")
        got = got.without("set-cookie")
    assert got == expected
    return expected


@pytest.mark.parametrize("case", [case for case in CASES if case.for_service], ids=CASE_NAME)
def test_answer_is_the_monoliths(case: Case, target: Target, stack: Stack, words: Words) -> None:
    check_case(case, target, stack, words)


@pytest.mark.parametrize("target", THROUGH_THE_PROXY, indirect=True)
@pytest.mark.parametrize("case", [case for case in CASES if not case.for_service], ids=CASE_NAME)
def test_what_is_not_the_services_stays_with_the_monolith(
    case: Case, target: Target, stack: Stack, words: Words
) -> None:
    check_case(case, target, stack, words)


def check_case(case: Case, target: Target, stack: Stack, words: Words) -> None:
    path = case.path
    for word, value in dataclasses.asdict(words).items():
        path = path.replace(f"{{{word}}}", value)
    if case.proxy_refuses and target.is_proxy:
        assert ask(target.url, case.method, path, case.headers).status == 400
    else:
        assert compare(target, stack, case.method, path, case.headers).status == case.status


@pytest.mark.parametrize(
    "path", ["/products/", "/products/{product}/", "/categories/", "/suggest/?q=a"]
)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_what_the_shopper_has_already_is_not_sent_again(
    path: str, encoding: str, target: Target, stack: Stack, words: Words
) -> None:
    """An entity tag that one side gave is honoured by the other, so that a switch costs no cache."""
    path = "/api/catalog" + path.replace("{product}", words.product)
    for source in (stack.monolith_url, target.url):
        tag = ask(source, "GET", path, {"Accept-Encoding": encoding}).header("etag")
        assert tag is not None
        headers = {"Accept-Encoding": encoding, "If-None-Match": tag}
        answer = compare(target, stack, "GET", path, headers)
        assert (answer.status, answer.body) == (304, b"")
        compare(target, stack, "HEAD", path, headers)


def test_every_page_of_every_order_is_the_monoliths(target: Target, stack: Stack) -> None:
    for order in ("name", "price", "-price", "newest", "rating"):
        path: str | None = f"/api/catalog/products/?ordering={order}&page_size=17"
        pages = 0
        while path is not None:
            answer = compare(target, stack, "GET", path, {})
            path = next_path(answer)
            pages += 1
        assert pages > 5


@pytest.mark.slow
def test_every_product_is_the_monoliths(target: Target, stack: Stack) -> None:
    path: str | None = "/api/catalog/products/?page_size=100"
    seen = 0
    while path is not None:
        page = compare(target, stack, "GET", path, {})
        for product in json.loads(page.body)["results"]:
            for part in ("", "prices/", "reviews/"):
                one = f"/api/catalog/products/{product['slug']}/{part}"
                assert compare(target, stack, "GET", one, {}).status == 200
            seen += 1
        path = next_path(page)
    assert seen > 100


def next_path(answer: Answer) -> str | None:
    link = json.loads(answer.body)["next"]
    assert link is None or link.startswith("http://shop.example/api/catalog/")
    return None if link is None else link.removeprefix("http://shop.example")


EXPECTED_SIDES: dict[str, Counter[str]] = {
    "service": Counter({"service": 40}),
    "service on PostgreSQL": Counter({"service": 40}),
    "monolith on PostgreSQL": Counter({"monolith": 40}),
    "proxy in monolith": Counter({"monolith": 40}),
    "proxy in shadow": Counter({"monolith": 40, "service shadow": 40}),
    "proxy in service": Counter({"service": 40, "monolith shadow": 40}),
}


def test_the_stage_decides_who_is_asked(target: Target) -> None:
    """Else the cases above would prove nothing. The upstreams' own access logs say who was asked, and how."""
    paths = [f"/api/catalog/brands/?_={uuid.uuid4()}" for _ in range(40)]
    for path in paths:
        assert ask(target.url, "GET", path).status == 200
    deadline = time.monotonic() + 30
    expected = EXPECTED_SIDES.get(target.name)
    asked_in_all = 80 if expected is None else expected.total()
    while (
        seen := sides(target.stack, paths)
    ).total() < asked_in_all and time.monotonic() < deadline:
        time.sleep(0.02)
    if expected is not None:
        assert seen == expected
    else:  # canary: each user on one side, and the other side asked beside
        assert seen["monolith"] == seen["service shadow"] > 0
        assert seen["service"] == seen["monolith shadow"] > 0
        assert seen["monolith"] + seen["service"] == 40


def sides(stack: Stack, paths: Sequence[str]) -> Counter[str]:
    seen: Counter[str] = Counter()
    for side, process in (("monolith", stack.monolith), ("service", stack.service)):
        for line in process.access():
            if line.target in paths:
                seen[f"{side} shadow" if line.is_shadow else side] += 1
    return seen


@pytest.mark.parametrize("target", COMPARED, indirect=True)
def test_the_comparer_found_no_difference_either(target: Target, stack: Stack) -> None:
    """What the proxy compared behind the shoppers' backs so far: all accounted for, all alike."""
    deadline = time.monotonic() + 30
    while True:
        found = json.loads(stack.fig("diffs", "catalog", "--json", check=False).stdout)
        account = found["accounts"]["catalog"]
        settled = account["equal"] + sum(account["skipped"].values())
        if settled == account["asked"] or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert found["clusters"] == []
    assert settled == account["asked"], account
    assert account["equal"] > 100
