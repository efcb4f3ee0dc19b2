"""Routes that tie or can never match: found, and never wrongly."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stranglerfig.config.conflicts import find_conflicts
from stranglerfig.config.model import Route
from stranglerfig.config.pattern import globs_overlap


def conflicts(*texts: str) -> dict[int, str]:
    """What is wrong by the number of the route."""
    routes = [((f"c{i}", 0), Route.model_validate(text)) for i, text in enumerate(texts)]
    return {int(found.place[0][1:]): found.message for found in find_conflicts(routes)}


TIES = [
    ("GET /x", "GET /x"),
    ("GET /x", "* /x"),
    ("GET,POST /x", "POST,PUT /x"),
    ("GET /x/{a}", "GET /x/{b}"),
    ("GET /x/**", "* /x/**"),
    ("GET /x/a*", "GET /x/*b"),
    ("GET /x/*", "GET /x/a*"),
    ("GET,HEAD /x", "GET /x"),
]


@pytest.mark.parametrize(("first", "second"), TIES)
def test_two_routes_that_claim_the_same_alike_tie(first: str, second: str) -> None:
    found = conflicts(first, second)
    assert list(found) == [1]
    assert "ties with" in found[1]
    assert "of c0" in found[1]


def test_a_route_that_ties_with_one_that_ties_is_found_too() -> None:
    assert list(conflicts("POST /a", "GET,POST /a", "GET /a")) == [1, 2]


FREE = [
    ("GET /x", "POST /x"),
    ("GET /x", "GET /x/"),
    ("GET /x", "GET /x/**"),
    ("GET /x/{a}", "GET /x/a"),
    ("GET /x/a*", "GET /x/b*"),
    ("GET /x/*.json", "GET /x/*.xml"),
    ("GET /x/**", "GET /x/{a}/**", "GET /x", "GET /x/"),
    ("GET /x/{a}/y", "GET /x/a/{b}"),
    ("POST /x/{a}", "* /x/*"),
    ("GET /{a}", "GET /**"),
    ("GET,OPTIONS /x", "POST,OPTIONS /x"),
]


@pytest.mark.parametrize("texts", FREE)
def test_routes_that_each_claim_something_of_their_own_are_fine(texts: tuple[str, ...]) -> None:
    assert conflicts(*texts) == {}
    assert conflicts(*reversed(texts)) == {}


DEAD = [
    (("GET /x/{a}", "GET /x/*"), 1),
    (("GET /x/{a}", "GET /x/*.json"), 1),
    (("GET /x/*.json", "* /x/{a}"), 0),
    (("GET /{a}/**", "GET /*/x"), 1),
    (("GET /{a}/**", "GET /*/**"), 1),
    (("GET /x/{a}", "POST /x/{a}", "GET,POST /x/*"), 2),
]


@pytest.mark.parametrize(("texts", "dead"), DEAD)
def test_a_route_that_more_specific_ones_take_whole_can_never_match(
    texts: tuple[str, ...], dead: int
) -> None:
    found = conflicts(*texts)
    assert list(found) == [dead]
    assert "can never match" in found[dead]


# --- against trying everything

SEGMENTS = ["a", "b", "{n}", "*", "a*", "*b"]
PATHS = [
    list(parts)
    for length in range(1, 5)
    for parts in product(["a", "b", "ab", "ac", "cb", "zz", ""], repeat=length)
]

route_texts = st.builds(
    lambda methods, segments, rest: f"{methods} /{'/'.join(segments + ['**'] * rest)}",
    st.sampled_from(["GET", "POST", "GET,POST", "*"]),
    st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=2),
    st.booleans(),
)


def really_tie(one: Route, other: Route) -> bool:
    mine, its = one.parsed.segments, other.parsed.segments
    if one.parsed.kinds != other.parsed.kinds:
        return False
    shared = one.methods is None or other.methods is None or one.methods & other.methods
    return bool(shared) and all(
        globs_overlap(a.text, b.text) if "*" in a.text else a.text == b.text
        for a, b in zip(mine, its, strict=True)
    )


@settings(max_examples=150)
@given(st.lists(route_texts, min_size=2, max_size=5))
def test_exactly_the_routes_that_tie_or_never_win_are_refused(texts: list[str]) -> None:
    routes = [Route.model_validate(text) for text in texts]
    found = conflicts(*texts)
    for number, route in enumerate(routes):
        ties = any(really_tie(route, other) for other in routes[:number])
        assert ("ties with" in found.get(number, "")) == ties, texts
        if ties or any(really_tie(route, other) for other in routes[number + 1 :]):
            continue
        methods = route.methods or {"GET", "POST", "DELETE"}
        wins = any(
            not any(
                other.parsed.kinds < route.parsed.kinds
                and (other.methods is None or method in other.methods)
                and other.parsed.matches_segments(parts)
                for other in routes
            )
            for method in methods
            for parts in PATHS
            if route.parsed.matches_segments(parts)
        )
        assert ("never match" in found.get(number, "")) == (not wins), texts


def test_ten_thousand_routes_are_checked_in_seconds() -> None:
    routes = [f"GET /api/{i}/{{id}}/**" for i in range(9_990)] + [
        "GET /api/7/{id}/**",
        "GET /api/7/*/**",
    ]
    found = conflicts(*routes)
    assert {number: message.partition(":")[0] for number, message in found.items()} == {
        9990: "GET /api/7/{id}/** ties with GET /api/7/{id}/** of c7",
        9991: "GET /api/7/*/** can never match",
    }
