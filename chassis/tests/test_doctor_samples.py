"""Texts that expressions match, and paths that patterns match."""

import re

import pytest

from chassis.ops.doctor.routes.regex import MAX_TEXTS, NoTextError, literal_prefix, texts
from chassis.ops.doctor.routes.sample import Run, Sample, encoded


def made(regex: str, flags: int = 0) -> list[str]:
    return ["".join(run.text for run in runs) for runs in texts(re.compile(regex, flags)).all]


@pytest.mark.parametrize(
    ("regex", "expected"),
    [
        (r"^about/$", {"about/"}),
        (r"^(?P<year>[0-9]{4})/(?P<slug>[-\w]+)/$", {"1111/x/"}),
        (r"^(?P<kind>news|blog|\d+)/$", {"news/", "blog/", "1/"}),
        (r"^a(?:/page-(\d+))?/$", {"a/", "a/page-1/"}),
        (r"^(?P<a>x|y)/(?P=a)$", {"x/x", "y/y"}),
        (r"^(<)?b(?(1)>)$", {"b", "<b>"}),
        (r"^(?!admin)[a-z]+$", {"x"}),
        (r"^[^x/]+$", {"1"}),
        (r"^[^ -~]+$", set()),
        (r"^straße/(?P<ort>[ä-ö]+)/$", {"straße/ä/"}),
        (r"^\.well-known/.*$", {".well-known/", ".well-known/x", ".well-known/x/x"}),
        (r"^a{3}b{0,2}$", {"aaa", "aaab"}),
        (r"^(?>a+)b(?:c)++$", {"abc"}),
        (r"^.{4}$", {"xxxx", "x/xx"}),
        (r"^[^?]{40}/$", {"x" * 40 + "/", "x/" + "x" * 38 + "/"}),
        (r"^a.?$", {"a", "ax", "a/"}),
        (r"^(\W{2})$", {"--", "-/"}),
        (r"anywhere", {"anywhere"}),
        (r"^$", {""}),
    ],
)
def test_texts_match_and_every_branch_is_there(regex: str, expected: set[str]) -> None:
    if not expected:
        with pytest.raises(NoTextError):
            made(regex)
        return
    found = made(regex)
    assert set(found) == expected
    assert all(re.search(regex, text) for text in found)


def test_flags_of_the_expression_are_obeyed() -> None:
    assert made(r"(?ix) ^ about / $  # a comment") == ["about/"]
    assert made(r"^about $", re.VERBOSE) == ["about"]


@pytest.mark.parametrize(
    "regex",
    [
        r"^a(?!a)a$",
        r"^(?=never)ever$",
        r"^[^\s\S]$",
        r"^a{2000}$",
        r"^(?:(?:a{900}){900}){900}$",
    ],
)
def test_where_nothing_can_be_made_it_is_said(regex: str) -> None:
    with pytest.raises(NoTextError, match="no text"):
        made(regex)


def test_groups_may_be_nested_deeply() -> None:
    assert made("(" * 80 + "a" + ")" * 80) == ["a"]


@pytest.mark.parametrize(
    "regex",
    [
        r"^(a|b|c|d|e|f|g|h|i|j|k)(a|b|c|d|e|f|g|h|i|j|k)(1|2|3|4|5|6|7)$",
        r"^(?:a|b){500}$",
        r"^(?:(?:){1000}){1000}x$",
        r"^(a+)+$",
        r"^(x+x+)+y$",
        "^" + "|".join(f"(?P<g{number}>p{number})" for number in range(2000)) + "$",
    ],
)
def test_what_would_grow_without_end_is_bounded(regex: str) -> None:
    found = made(regex)
    assert 1 <= len(found) <= MAX_TEXTS
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("regex", "prefix"),
    [
        (r"^admin/(\d+)/$", "admin/"),
        (r"^about/$", "about/"),
        (r"\Aabout/\Z", "about/"),
        (r"admin/", ""),
        (r"(?i)^admin/", ""),
        (r"^(?:admin|x)/", ""),
        (r"^a?b", ""),
        (r"^ab|cd", ""),
        (r"^straße/\d", "straße/"),
    ],
)
def test_only_what_is_certain_is_a_beginning(regex: str, prefix: str) -> None:
    assert literal_prefix(re.compile(regex)) == prefix


def test_a_sample_knows_which_segments_are_free() -> None:
    runs = (Run("/blog/", False), Run("a", True), Run("-x/", False), Run("b/c", True))
    assert Sample(runs, "en").segments() == [
        ("blog", False), ("a-x", True), ("b", True), ("c", True)
    ]  # fmt: skip
    assert Sample((Run("/", False),), "en").segments() == [("", False)]


def test_a_path_is_sent_as_a_browser_sends_it() -> None:
    assert encoded("/straße/a b/100%/what?/c#/d;e=1/f@g/") == (
        "/stra%C3%9Fe/a%20b/100%25/what%3F/c%23/d;e=1/f@g/"
    )
