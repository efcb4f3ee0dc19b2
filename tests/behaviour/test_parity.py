"""Whoever answers, the shopper reads the same: status, headers in their order, body byte for byte."""

import dataclasses
import json

import pytest
from behaviour.asking import Answer, ask
from behaviour.cases import CASES, Case, Words
from behaviour.conftest import Target
from stack import Stack


def compare(
    target: Target, stack: Stack, method: str, path: str, headers: dict[str, str]
) -> Answer:
    """Ask both; they must agree. Gives the monolith's answer."""
    expected = ask(stack.monolith_url, method, path, headers)
    got = ask(target.url, method, path, headers)
    if target.name == "proxy in canary":
        # The only thing that the proxy may add: the cookie that keeps a user on one side.
        assert all(v.startswith("fig_user=") for k, v in got.headers if k.lower() == "set-cookie")
        got = got.without("set-cookie")
    assert got == expected
    return expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answer_is_the_monoliths(case: Case, target: Target, stack: Stack, words: Words) -> None:
    if not case.for_service and not target.is_proxy:
        pytest.skip("never gets to the service")
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
