"""Expressions that would never come to an end are named, and nothing waits for them."""

import re
from typing import Any

import pytest
from django.test import override_settings
from django.urls import URLPattern, path, re_path
from django.urls.resolvers import RegexPattern

from chassis.ops.doctor.checks import examine
from chassis.ops.doctor.finding import Level
from chassis.ops.doctor.proxy import Proxy
from chassis.ops.doctor.routes.asking import Compared, compare
from chassis.ops.doctor.routes.listing import text_of
from chassis.ops.doctor.routes.risk import could_take_long
from chassis.ops.doctor.routes.trials import Trials
from chassis.ops.doctor.routes.verdict import Word
from chassis.ops.doctor.showing import routes_as_json
from tests.admin_api import AdminApi, admin_api
from tests.foreign_urls import page

ENDLESS = r"^(?P<path>([\w-]+/?)+)/edit/$"
UUID = "orders/075194d3-6885-417e-a8a8-6c931e272f00/"


def compared(patterns: list[Any]) -> Compared:
    with admin_api(AdminApi({"books": {"GET,POST /**": "service"}})) as url:
        return compare(Proxy(url, None), tuple(patterns))  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_pattern_that_never_ends_is_named_and_the_others_are_asked_for() -> None:
    patterns = [re_path(ENDLESS, page), path("orders/<uuid:u>/", page), path("about/", page)]
    found = compared(patterns)
    edit, orders, about = found.verdicts
    assert (edit.word, edit.untried) == (Word.PARTLY, "to match a path takes it too long")
    assert orders.word is about.word is Word.CLAIMED
    (slow,) = found.slow
    assert (slow.pattern, slow.text) == (f"/{ENDLESS.removeprefix('^')}", UUID)
    assert f"{slow.pattern} takes more than 2 s to match" in text_of(found, [], whole=False)
    assert routes_as_json(found, [])["too_slow"] == [{"pattern": slow.pattern, "text": UUID}]


@pytest.mark.slow
def test_it_is_a_warning_of_its_own_and_the_other_checks_go_on() -> None:
    with override_settings(ROOT_URLCONF="tests.endless_urls"):
        found = list(examine(["endpoints", "routes", "hosts"], None))
    slow = [finding for finding in found if "takes more than 2 s" in finding.what]
    assert [(finding.check, finding.level) for finding in slow] == [("routes", Level.WARNING)]
    assert "rewrite it" in slow[0].mend
    assert {finding.check for finding in found} == {"endpoints", "routes", "hosts"}
    assert found[0].what == "/_chassis/livez is mounted"


@pytest.mark.slow
def test_one_that_was_too_slow_is_not_tried_again_and_others_are() -> None:
    endless, harmless = RegexPattern(ENDLESS), RegexPattern(r"^([a-z]+/)+$")
    with Trials() as trials:
        assert trials.is_in_time(endless, "a/edit/")
        assert not trials.is_in_time(endless, UUID)
        assert trials.is_in_time(harmless, "a/b/c/")
        assert not trials.is_in_time(endless, "a/edit/")
    assert trials.slow == {id(endless): UUID}


@pytest.mark.slow
def test_a_pattern_is_tried_as_django_matches_it() -> None:
    """A full match of what ends with $ goes on where a search would have ended."""
    regex = r"^(a+)+|x$"
    of_a_view, of_an_include = RegexPattern(regex, is_endpoint=True), RegexPattern(regex)
    with Trials() as trials:
        assert trials.is_in_time(of_an_include, "a" * 40 + "!")
        assert not trials.is_in_time(of_a_view, "a" * 40 + "!")


def test_what_is_harmless_is_tried_nowhere_else() -> None:
    patterns: list[URLPattern] = [
        path("a/", page),
        path("a/<int:pk>/<slug:name>/<path:rest>", page),
        re_path(r"^b/(?P<year>\d{4})/(?P<slug>[-\w]+)/(?:page-(\d+)/)?$", page),
        re_path(r"^(?:de|en)/[^/]+/$", page),
    ]
    with Trials() as trials:
        assert all(trials.is_in_time(one.pattern, UUID) for one in patterns)
        assert trials._process is None


@pytest.mark.parametrize(
    ("regex", "length", "expected"),
    [
        (r"^(\w+/?)+$", 1, True),
        (r"^(a|a)*$", 1, True),
        (r"^(?=(\w+)+$)", 1, True),
        (r"^(\d{1,3}\.){3}$", 1, True),
        (r"^\w+\w+\w+\w+\w+$", 40, True),
        (r"^\w+/\w+/\w+$", 40, False),
        (r"^\w+/\w+/\w+$", 1000, True),
        (r"^(?:a|b|c)/\w+/(?:x/)?$", 1000, False),
        (r"^plain/$", 1000, False),
    ],
)
def test_the_risk_is_read_from_the_expression(regex: str, length: int, expected: bool) -> None:
    assert could_take_long(re.compile(regex), length) is expected
