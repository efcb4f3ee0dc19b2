"""A pattern is claimed only when all that was asked for is, and nothing is known to be left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.test import override_settings
from django.urls import include, path, re_path

from chassis.ops.doctor.proxy import Proxy
from chassis.ops.doctor.routes.asking import compare
from chassis.ops.doctor.routes.listing import text_of
from chassis.ops.doctor.routes.sampling import MAX_LANGUAGES
from chassis.ops.doctor.routes.verdict import Verdict, Word
from tests.admin_api import AdminApi, admin_api
from tests.foreign_urls import Viewset, page

view = Viewset.as_view({"get": "list"})


@contextmanager
def beside(*routes: str) -> Iterator[Proxy]:
    with admin_api(AdminApi({"books": dict.fromkeys(routes, "service")})) as url:
        yield Proxy(url, None)


def the_verdict(patterns: list[Any], *routes: str) -> Verdict:
    """Of the only pattern, beside a proxy with these routes."""
    with beside(*routes) as proxy:
        (verdict,) = compare(proxy, tuple(patterns)).verdicts  # type: ignore[arg-type]
    return verdict


def elsewhere(verdict: Verdict) -> set[str]:
    return {one.path for one in verdict.outcomes if one.word is not Word.CLAIMED}


@pytest.mark.parametrize(
    ("regex", "route", "left"),
    [
        (r"^files/(?P<p>.+)$", "GET /files/{name}", "/files/x/x"),
        (r"^files/(?P<p>\S+)$", "GET /files/{name}", "/files/x/x"),
        (r"^files/(?P<p>[^?]+)$", "GET /files/{name}", "/files/x/x"),
        (r"^files/(?P<p>[\w/]+)$", "GET /files/{name}", "/files/x/x"),
        (r"^files/(?P<p>(.+)+)$", "GET /files/{name}", "/files/x/x"),
        (r"^tree/((?:[\w-]+/)+)$", "GET /tree/{name}/", "/tree/x/x/"),
        (r"^api/", "GET /api/", "/api/x/x"),
        (r"^api/(?P<name>\w+)/", "GET /api/{name}/", "/api/x/x/x"),
        (r"^api", "GET /api", "/apix"),
    ],
)
def test_what_may_hold_a_slash_is_asked_for_with_one(regex: str, route: str, left: str) -> None:
    verdict = the_verdict([re_path(regex, view)], route)
    assert (verdict.word, left in elsewhere(verdict)) == (Word.PARTLY, True), verdict


@pytest.mark.parametrize(
    ("regex", "route"),
    [
        (r"^files/(?P<p>.+)$", "GET /files/**"),
        (r"^api/", "GET /api/**"),
        (r"^files/(?P<p>[^/]+)$", "GET /files/{name}"),
        (r"^files/(?P<token>.{32})/(?P<other>.{32})$", "GET /files/**"),
        (r"^files/(?P<p>[\w-]+)\Z", "GET /files/{name}"),
    ],
)
def test_what_is_claimed_with_all_below_it_is_claimed(regex: str, route: str) -> None:
    verdict = the_verdict([re_path(regex, view)], route)
    assert (verdict.word, verdict.untried) == (Word.CLAIMED, "")


def test_an_include_without_an_end_goes_on_with_its_own_patterns_alone() -> None:
    patterns = [re_path(r"^api/", include([re_path(r"^(?P<pk>\d+)/$", view)]))]
    assert the_verdict(patterns, "GET /api/{pk}/").word is Word.CLAIMED


NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def test_each_of_many_alternatives_is_asked_for() -> None:
    patterns = [re_path(rf"^t/(?P<k>{'|'.join(NUMBERS)})/$", view)]
    verdict = the_verdict(patterns, *(f"GET /t/{number}/" for number in NUMBERS[:8]))
    assert (verdict.word, elsewhere(verdict)) == (Word.PARTLY, {"/t/nine/", "/t/ten/"})
    verdict = the_verdict(patterns, *(f"GET /t/{number}/" for number in NUMBERS))
    assert (verdict.word, verdict.untried) == (Word.CLAIMED, "")


def test_alternatives_of_two_patterns_are_combined() -> None:
    patterns = [re_path(r"^(?:a|b)/", include([re_path(r"^(?:c|d)/$", view)]))]
    verdict = the_verdict(patterns, "GET /a/c/", "GET /b/d/")
    assert (verdict.word, elsewhere(verdict)) == (Word.PARTLY, {"/a/d/", "/b/c/"})


@pytest.mark.parametrize(
    "patterns",
    [
        [re_path(rf"^(?:{'|'.join(f'k{n}x' for n in range(200))})/$", view)],
        [re_path(r"^(?:a|b|c|d|e)(?:1|2|3|4|5)(?:-|_)/$", view)],
        [re_path(rf"^(?:{'|'.join('abcdefg')})/", include([re_path(r"^[a]?[b]?[c]?/$", view)]))],
    ],
)
def test_where_a_bound_left_something_out_it_is_said_and_not_claimed(patterns: list[Any]) -> None:
    with beside("GET /**") as proxy:
        found = compare(proxy, tuple(patterns))  # type: ignore[arg-type]
    (verdict,) = found.verdicts
    assert (verdict.word, elsewhere(verdict)) == (Word.PARTLY, set())
    number = len({one.path for one in verdict.outcomes})
    said = f"but it takes more kinds of paths than the {number} that were asked for"
    assert said in text_of(found, [], whole=False)


def languages(number: int) -> list[tuple[str, str]]:
    codes = ["en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "fi", "cs", "el", "hu"]
    return [(code, code) for code in codes[:number]]


@pytest.mark.parametrize("number", [MAX_LANGUAGES, MAX_LANGUAGES + 1])
def test_languages_that_were_not_asked_for_are_told(number: int) -> None:
    with override_settings(USE_I18N=True, LANGUAGE_CODE="en", LANGUAGES=languages(number)):
        verdict = the_verdict(i18n_patterns(path("shop/", view)), "GET /**")
    if number == MAX_LANGUAGES:
        assert (verdict.word, len(verdict.outcomes)) == (Word.CLAIMED, number)
    else:
        assert verdict.word is Word.PARTLY
        assert verdict.untried == f"{MAX_LANGUAGES} of {number} languages were asked for"


def test_a_form_whose_post_goes_elsewhere_is_partly_claimed() -> None:
    with beside("GET /contact/") as proxy:
        found = compare(proxy, (path("contact/", page),))  # type: ignore[arg-type]
    text = text_of(found, [], whole=False)
    assert found.verdicts[0].word is Word.PARTLY
    assert "POST  unclaimed, monolith answers, if the view takes it" in text


def test_what_was_asked_of_a_view_that_names_no_methods_is_written() -> None:
    with beside("GET,POST /contact/") as proxy:
        found = compare(proxy, (path("contact/", page),))  # type: ignore[arg-type]
    assert "GET,POST /contact/" in text_of(found, [Word.CLAIMED], whole=True)
    assert "any" not in text_of(found, [Word.CLAIMED], whole=True)
