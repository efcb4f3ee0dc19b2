"""The compiled table finds what trying every route finds, and as fast among ten thousand as among ten."""

import gc
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stranglerfig.config.conflicts import find_conflicts
from stranglerfig.config.model import Route
from stranglerfig.routing.table import Table


@dataclass(frozen=True)
class Claim:
    route: Route


def table(*texts: str) -> Table[Claim]:
    return Table(Claim(Route.model_validate(text)) for text in texts)


def matched(routes: Table[Claim], method: str, path: str) -> str | None:
    claim = routes.match(method, path)
    return claim.route.text if claim else None


SHOP = table(
    "GET /shop/**",
    "GET /shop/{id}",
    "POST /shop/{id}",
    "* /shop/new",
    "GET /shop/{id}/edit",
    "GET /shop/new/**",
    "GET /shop/*.json/**",
    "PUT /shop/{id}/**",
)

MATCHES = [
    ("GET", "/shop", "GET /shop/**"),
    ("GET", "/shop/", "GET /shop/**"),
    ("GET", "/shop/7", "GET /shop/{id}"),
    ("HEAD", "/shop/7", "GET /shop/{id}"),
    ("POST", "/shop/7", "POST /shop/{id}"),
    ("PUT", "/shop/7", "PUT /shop/{id}/**"),  # the more specific ones are not for PUT
    ("DELETE", "/shop/7", None),
    ("GET", "/shop/new", "* /shop/new"),
    ("DELETE", "/shop/new", "* /shop/new"),
    ("GET", "/shop/new/edit", "GET /shop/new/**"),  # text decides before what follows it
    ("GET", "/shop/7/edit", "GET /shop/{id}/edit"),
    ("GET", "/shop/7/other", "GET /shop/**"),
    ("GET", "/shop/a.json/x", "GET /shop/*.json/**"),
    ("GET", "/shop/a.json/edit", "GET /shop/{id}/edit"),
    ("GET", "/shop/a.json", "GET /shop/{id}"),
    ("PUT", "/shop/new/x", "PUT /shop/{id}/**"),
    ("GET", "/other", None),
    ("GET", "*", None),
    ("GET", "", None),
    ("GET", "shop", None),
    ("OPTIONS", "/shop/7", "GET /shop/{id}"),
    ("OPTIONS", "/shop/7/x", "PUT /shop/{id}/**"),
    ("OPTIONS", "/shop/new", "* /shop/new"),
    ("OPTIONS", "*", None),
]


@pytest.mark.parametrize(("method", "path", "route"), MATCHES)
def test_the_most_specific_route_for_the_method_claims(
    method: str, path: str, route: str | None
) -> None:
    assert matched(SHOP, method, path) == route


def test_of_several_routes_on_one_path_options_follows_the_one_for_get() -> None:
    assert matched(table("POST /x", "GET /x"), "OPTIONS", "/x") == "GET /x"
    assert matched(table("GET /x", "POST /x"), "OPTIONS", "/x") == "GET /x"
    assert matched(table("PUT /x", "POST /x"), "OPTIONS", "/x") == "PUT /x"


def test_two_globs_on_one_segment_are_told_apart_by_what_follows() -> None:
    for texts in (["GET /*b/{id}", "GET /a*/x"], ["GET /a*/x", "GET /*b/{id}"]):
        assert matched(table(*texts), "GET", "/ab/x") == "GET /a*/x"
        assert matched(table(*texts), "GET", "/ab/y") == "GET /*b/{id}"


def test_an_empty_table_claims_nothing() -> None:
    assert matched(table(), "GET", "/") is None


def test_all_that_match_are_listed_the_most_specific_first() -> None:
    found = [claim.route.text for claim in SHOP.matches("GET", "/shop/new")]
    assert found == ["* /shop/new", "GET /shop/new/**", "GET /shop/{id}", "GET /shop/**"]


routes = st.builds(
    lambda methods, segments, rest: f"{methods} /{'/'.join(segments + ['**'] * rest)}",
    st.sampled_from(["GET", "POST", "GET,POST", "*"]),
    st.lists(st.sampled_from(["a", "b", "{n}", "*", "a*", "*b", "a*b"]), min_size=1, max_size=3),
    st.booleans(),
)
paths = st.lists(st.sampled_from(["a", "b", "ab", "abb", "z", ""]), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def without_conflicts(texts: Iterable[str]) -> list[Route]:
    chosen: list[Route] = []
    for text in texts:
        candidate = [*chosen, Route.model_validate(text)]
        if not find_conflicts([(("c", number), route) for number, route in enumerate(candidate)]):
            chosen = candidate
    return chosen


@settings(max_examples=300)
@given(
    st.lists(routes, max_size=8),
    st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]),
    st.lists(paths, min_size=1, max_size=10),
)
def test_the_table_finds_what_trying_every_route_finds(
    texts: list[str], method: str, tried: list[str]
) -> None:
    compiled = Table(Claim(route) for route in without_conflicts(texts))
    for path in tried:
        claim, every = compiled.match(method, path), compiled.matches(method, path)
        if not every:
            assert claim is None
        else:
            assert claim is not None
            assert claim.route.parsed.kinds == every[0].route.parsed.kinds
            if method != "OPTIONS":
                assert claim is every[0]


def test_ten_thousand_routes_take_as_many_steps_as_ten() -> None:
    def texts(count: int) -> list[str]:
        return [f"GET /api/part{number}/{{id}}/**" for number in range(count)]

    few, many = table(*texts(10)), table(*texts(10_000))
    assert matched(many, "GET", "/api/part9999/7/x") == "GET /api/part9999/{id}/**"

    def calls(compiled: Table[Claim], number: int) -> int:
        """How many functions are called, of Python and of C: a count, where a time would hang on the machine."""
        called = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal called
            called += event in ("call", "c_call")

        gc.disable()  # what listens to the collector would be counted too
        sys.setprofile(count)
        try:
            compiled.match("GET", f"/api/part{number}/7/x")
        finally:
            sys.setprofile(None)
            gc.enable()
        return called

    assert calls(many, 9_999) == calls(few, 9) > 3
