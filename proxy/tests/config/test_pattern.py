"""The language of routes: what a pattern matches."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.config.pattern import (
    Kind,
    PatternError,
    glob_matches,
    globs_overlap,
    parse_methods,
    parse_pattern,
    parse_route,
)

MATCHES = [
    ("/", ["/"], ["", "//", "/x", "*"]),
    ("/x", ["/x"], ["/", "/x/", "/X", "/xx", "x"]),
    ("/x/", ["/x/"], ["/x", "/x//", "/x/y"]),
    ("/x/**", ["/x", "/x/", "/x/y", "/x/y/z", "/x//", "/x/y/"], ["/", "/xy", "/y/x"]),
    ("/**", ["/", "/x", "/x/y", "//"], ["", "*"]),
    ("/x/{id}", ["/x/1", "/x/é", "/x/a b", "/x/*"], ["/x", "/x/", "/x/1/", "/x/1/2"]),
    ("/x/{id}/", ["/x/1/"], ["/x/1", "/x//", "/x/1//"]),
    ("/x/*", ["/x/1", "/x/**"], ["/x", "/x/", "/x/1/"]),
    ("/x/*.json", ["/x/a.json", "/x/.json", "/x/a.b.json"], ["/x/json", "/x/a.json/", "/x/a.jsonl"]),
    ("/x/a*b*c", ["/x/abc", "/x/aXbYc", "/x/abbcc"], ["/x/ac", "/x/abcd", "/x/acb"]),
    ("/{a}/{b}/**", ["/1/2", "/1/2/3", "/1/2/"], ["/1", "/1/", "//2"]),
    ("/my files/a", ["/my files/a"], ["/my%20files/a"]),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "claimed", "others"), MATCHES)
def test_a_pattern_claims_these_paths_and_not_those(
    pattern: str, claimed: list[str], others: list[str]
) -> None:
    parsed = parse_pattern(pattern)
    assert [path for path in claimed if not parsed.matches(path)] == []
    assert [path for path in others if parsed.matches(path)] == []


def test_a_route_is_methods_and_a_path() -> None:
    methods, pattern = parse_route("  get,Post   /x/{id}/*.js/**  ")
    assert methods == {"GET", "POST"}
    assert pattern.text == "/x/{id}/*.js/**"
    assert pattern.kinds == (Kind.LITERAL, Kind.NAME, Kind.GLOB, Kind.REST)
    assert parse_route("* /")[0] is None
    assert parse_methods("GET,HEAD,OPTIONS") == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("text", ["", "GET", "/x", "GET x", "GE /x", "GET /**/y", "HEAD /x"])
def test_what_is_no_route_says_how_to_mend_it(text: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_route(text)
    assert caught.value.message
    assert caught.value.mend


@pytest.mark.parametrize(
    ("path", "mend"),
    [
        ("/page/<int:pk>/", "write {pk}"),
        ("/page/<slug>/", "write {slug}"),
        ("/page/<int:pk>-<slug:s>/", "write {pk}"),
        ("/page/<int:2>/", "write {name}"),
        ("/page/<>/", "write {name}"),
        ("/files/<path:rest>", "write ** at the end"),
        (r"^page/(?P<pk>\d+)/$", "write {pk} for one segment"),
        (r"/page/(?P<pk>[0-9]+)/", "write {pk} for one segment"),
        ("/^page/", "write {name} for one segment"),
        ("/page/[0-9]+/$", "write {name} for one segment"),
        ("/(?:a|b)/", "write {name} for one segment"),
    ],
)
def test_a_pattern_in_the_words_of_django_is_refused_with_ours(path: str, mend: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_route(f"GET {path}")
    assert caught.value.mend.startswith(mend)


@pytest.mark.parametrize("path", ["/$metadata", "/a/$count/b", "/a(1)", "/a^b", "/a>b", "/a<b"])
def test_signs_that_only_resemble_it_are_text(path: str) -> None:
    assert parse_pattern(path).matches(path)


pieces = st.text(alphabet="ab*", min_size=1, max_size=7).filter(lambda text: "**" not in text)


def as_regex(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in glob.split("*")), re.DOTALL)


@given(pieces.filter(lambda text: "*" in text), st.text(alphabet="abc", max_size=9))
def test_globs_match_as_regular_expressions_do(glob: str, text: str) -> None:
    assert glob_matches(glob, text) == bool(as_regex(glob).fullmatch(text))


@given(pieces, pieces)
def test_globs_overlap_if_some_text_matches_both(one: str, other: str) -> None:
    longest = len(one) + len(other)
    texts, found = [""], False
    while texts and not found:
        text = texts.pop()
        if as_regex(one).fullmatch(text) and as_regex(other).fullmatch(text):
            found = True
        elif len(text) < longest:
            texts += [text + sign for sign in "ab" if could_begin(one, text + sign)]
    assert globs_overlap(one, other) == found


def could_begin(glob: str, text: str) -> bool:
    head = glob.split("*")[0]
    return head.startswith(text) or text.startswith(head)


def test_a_glob_with_many_stars_takes_no_long_time() -> None:
    before = time.process_time()
    assert not glob_matches("*a" * 200 + "b", "a" * 20_000)
    assert globs_overlap("*a" * 200, "*b" * 200 + "a")
    assert time.process_time() - before < 2


@given(st.lists(st.sampled_from(["a", "b", "{n}", "*", "a*", "*b"]), min_size=1, max_size=3), st.booleans(), st.lists(st.sampled_from(["a", "b", "ab", "zz", ""]), max_size=5))  # fmt: skip
def test_who_matches_the_witness_matches_all_that_the_pattern_matches(
    segments: list[str], rest: bool, parts: list[str]
) -> None:
    pattern = parse_pattern("/" + "/".join(segments + ["**"] * rest))
    assert pattern.matches_segments(pattern.witness())
    for other_text in ("/**", "/a/**", "/{x}/**", "/*/**", "/a*/**", "/{x}", "/{x}/{y}", "/a/{y}"):
        other = parse_pattern(other_text)
        if other.matches_segments(pattern.witness()) and pattern.matches_segments(parts):
            assert other.matches_segments(parts)
