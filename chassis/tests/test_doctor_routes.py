"""The URLconf laid beside the proxy: words for every pattern, whatever the URLconf is made of."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.test import override_settings
from django.urls import Resolver404, URLPattern, URLResolver, include, path, re_path
from django.urls.resolvers import RegexPattern
from django.utils.functional import lazy
from django.utils.translation import get_language

from chassis.ops.doctor.proxy import Answer, Proxy, Running
from chassis.ops.doctor.routes.asking import Compared, compare
from chassis.ops.doctor.routes.matching import Matcher
from chassis.ops.doctor.routes.trials import Trials
from chassis.ops.doctor.routes.verdict import Verdict, Word, outcome_of
from tests import foreign_urls
from tests.admin_api import AdminApi, admin_api
from tests.foreign_urls import page

Compare = Callable[..., Compared]


@pytest.fixture
def compared() -> Compare:
    """Lay a URLconf (a list of patterns) beside a proxy with these routes."""

    def lay(patterns: list[Any], routes: dict[str, str] | None = None, **config: Any) -> Compared:
        api = AdminApi({"books": routes or {}}, **config)
        with admin_api(api) as url:
            return compare(Proxy(url, None), tuple(patterns))  # type: ignore[arg-type]

    return lay


def words(found: Compared) -> dict[str, str]:
    return {verdict.entry.written: verdict.word.value for verdict in found.verdicts}


def of(found: Compared, written: str) -> Verdict:
    return next(verdict for verdict in found.verdicts if verdict.entry.written == written)


def asked(verdict: Verdict) -> set[tuple[str, str]]:
    return {(outcome.method, outcome.path) for outcome in verdict.outcomes}


def test_every_pattern_of_a_foreign_urlconf_gets_a_word(compared: Compare) -> None:
    found = compared(
        foreign_urls.urlpatterns,
        {"GET /api/books/**": "shadow", "GET /search/": "canary", "GET /nowhere/at/all": "shadow"},
    )
    assert words(found) == {
        "/_chassis/livez": "unreachable",
        "/_chassis/readyz": "unreachable",
        "/": "unclaimed",
        "/api/books/": "partly claimed",
        "/api/books/<int:pk>/": "partly claimed",
        r"/api/books/(?P<pk>\d+)/(?P<part>cover|index)\.(?P<kind>[a-z]{3})$": "partly claimed",
        "/search/": "partly claimed",
        "/basket/": "unclaimed",
        "/lambda/": "unclaimed",
        "/object/": "unclaimed",
        "/straße/<str:ort>/": "unclaimed",
        "/100%/what?/": "unclaimed",
        "/years/<year4:year>/": "unclaimed",
        "/nobody/<nobody:who>/": "unknown",
        "/failing/<failing:who>/": "unknown",
        "/<slug:page>/": "unclaimed",
        "/late/": "unreachable",
        "/(?P<rest>files/.*)$": "unclaimed",
        r"/unanchored-(?P<any>\w+)": "unclaimed",
        "/impossible(?!x)x/$": "unknown",
        "/dots/../here/": "unclaimed",
    }
    assert [(stray.capability, stray.route) for stray in found.strays] == [
        ("books", "GET /nowhere/at/all")
    ]
    assert "/<slug:page>/" in of(found, "/late/").why
    assert of(found, "/failing/<failing:who>/").why == "RuntimeError: no database"
    assert "no path could be made" in of(found, "/nobody/<nobody:who>/").why


def test_methods_are_those_that_the_view_names(compared: Compare) -> None:
    found = compared(foreign_urls.urlpatterns)
    methods = {
        verdict.entry.written: (verdict.entry.methods.names, verdict.entry.methods.declared)
        for verdict in found.verdicts
    }
    assert methods["/api/books/"] == (("GET", "POST"), True)
    assert methods["/api/books/<int:pk>/"] == (("GET", "PUT"), True)
    assert methods["/search/"] == (("GET", "POST"), True)
    assert methods["/basket/"] == (("POST",), True)
    assert methods["/_chassis/livez"] == (("GET",), True)
    assert methods["/lambda/"] == methods["/object/"] == (("GET", "POST"), False)
    assert asked(of(found, "/basket/")) == {("POST", "/basket/")}


def test_names_and_views_are_told(compared: Compare) -> None:
    entry = of(compared(foreign_urls.urlpatterns), "/api/books/<int:pk>/").entry
    assert (entry.name, entry.view) == ("api:detail", "tests.foreign_urls.Book")


def test_paths_are_asked_for_as_clients_send_them(compared: Compare) -> None:
    found = compared(foreign_urls.urlpatterns)
    assert ("GET", "/stra%C3%9Fe/example/") in asked(of(found, "/straße/<str:ort>/"))
    assert asked(of(found, "/100%/what?/")) == {
        ("GET", "/100%25/what%3F/"), ("POST", "/100%25/what%3F/")
    }  # fmt: skip


def test_a_view_that_names_no_methods_is_claimed_with_its_get_and_its_post(
    compared: Compare,
) -> None:
    patterns = [path("a/", page), path("b/", page), path("c/", page)]
    found = compared(
        patterns, {"GET /a/": "shadow", "POST /b/": "shadow", "GET,POST /c/": "shadow"}
    )
    assert words(found) == {
        "/a/": "partly claimed", "/b/": "partly claimed", "/c/": "claimed"
    }  # fmt: skip


def test_each_alternative_of_an_expression_is_asked_for(compared: Compare) -> None:
    patterns = [re_path(r"^(?P<kind>news|blog)/(?:page-\d+/)?$", page)]
    found = compared(patterns, {"GET /news/**": "service"})
    (verdict,) = found.verdicts
    assert verdict.word is Word.PARTLY
    assert {path for method, path in asked(verdict) if method == "GET"} == {
        "/news/", "/news/page-1/", "/blog/", "/blog/page-1/"
    }  # fmt: skip


def test_a_route_for_one_value_of_a_converter_makes_the_pattern_partly_claimed(
    compared: Compare,
) -> None:
    patterns = [path("shop/<slug:kind>/<int:pk>/", page), path("years/<year4:y>/", page)]
    found = compared(patterns, {"GET /shop/shoes/7/": "shadow", "GET /years/1999/": "shadow"})
    assert words(found) == dict.fromkeys(
        ["/shop/<slug:kind>/<int:pk>/", "/years/<year4:y>/"], "partly claimed"
    )
    assert not found.strays


@pytest.mark.parametrize(
    ("route", "leads"),
    [
        ("GET /shop/**", True),
        ("GET /shop/{kind}/{id}/", True),
        ("GET /shop/sho*/1/", True),
        ("GET /{anything}/shoes/1/", True),
        ("GET /shop/shoes/one/", False),
        ("GET /shop/{kind}/{id}", False),
        ("GET /shops/**", False),
        ("GET /years/2024/", True),
        ("GET /years/24/", False),
        ("POST /only-get/", False),
        ("GET,POST /only-get/", True),
        ("* /only-get/", True),
        ("GET /static/**", True),
    ],
)
def test_a_route_that_leads_nowhere_is_found(compared: Compare, route: str, leads: bool) -> None:
    patterns = [
        path("shop/<slug:kind>/<int:pk>/", page),
        path("years/<year4:y>/", page),
        path("only-get/", foreign_urls.Viewset.as_view({"get": "list"})),
    ]
    found = compared(patterns, {route: "monolith"})
    assert bool(found.strays) is not leads


def test_fallthrough_none_makes_the_rest_unreachable(compared: Compare) -> None:
    found = compared([path("a/", page)], fallthrough="none")
    (verdict,) = found.verdicts
    assert verdict.word is Word.UNREACHABLE
    assert "fallthrough is none" in verdict.outcomes[0].who


def test_the_prefix_of_the_application_stands_before_every_path(compared: Compare) -> None:
    with override_settings(FORCE_SCRIPT_NAME="/shop/"):
        found = compared([path("a/", page)], {"GET,POST /shop/a/": "shadow", "GET /a/": "shadow"})
    assert words(found) == {"/a/": "claimed"}
    assert [stray.route for stray in found.strays] == ["GET /a/"]


LANGUAGES = [("en", "English"), ("fi", "Finnish"), ("sv", "Swedish")]


@override_settings(USE_I18N=True, LANGUAGE_CODE="en", LANGUAGES=LANGUAGES)
def test_each_language_is_asked_for(compared: Compare) -> None:
    patterns = i18n_patterns(path("about/", page), prefix_default_language=False)
    found = compared([*patterns, path("plain/", page)], {"GET /fi/about/": "shadow"})
    about, plain = found.verdicts
    assert about.word is Word.PARTLY
    assert {path for _, path in asked(about)} == {"/about/", "/fi/about/", "/sv/about/"}
    assert {path for _, path in asked(plain)} == {"/plain/"}


@override_settings(USE_I18N=True, LANGUAGE_CODE="en", LANGUAGES=LANGUAGES)
def test_a_translated_route_is_asked_for_in_each_language(compared: Compare) -> None:
    route = lazy(lambda: {"fi": "tietoa/", "sv": "om/"}.get(get_language() or "", "about/"), str)
    found = compared([path(route(), page)])
    assert {path for _, path in asked(found.verdicts[0])} == {"/about/", "/tietoa/", "/om/"}


class Broken:
    """As a module of URLs that does not import."""

    @property
    def urlpatterns(self) -> list[Any]:
        raise ImportError("no module named 'gone'")


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(compared: Compare) -> None:
    patterns = [
        path("before/", page),
        URLResolver(RegexPattern("^broken/"), Broken()),
        re_path(r"^(unclosed$", page),
        URLPattern(None, page),  # type: ignore[arg-type]
        path("behind/", page),
    ]
    found = compared(patterns)
    assert [verdict.word.value for verdict in found.verdicts] == [
        "unclaimed", "unknown", "unknown", "unknown", "unclaimed"
    ]  # fmt: skip
    assert "no module named 'gone'" in found.verdicts[1].why
    assert "not a valid regular expression" in found.verdicts[2].why


def test_a_urlconf_that_includes_itself_ends(compared: Compare) -> None:
    patterns: list[Any] = [path("leaf/", page)]
    again = URLResolver(RegexPattern("^again/"), patterns)
    patterns.append(again)
    found = compared(patterns)
    assert words(found)["/leaf/"] == words(found)["/again/leaf/"] == "unclaimed"
    assert any("includes itself" in verdict.why for verdict in found.verdicts)


def test_the_same_patterns_below_two_prefixes_are_two(compared: Compare) -> None:
    shared = [path("x/", page)]
    found = compared(
        [path("a/", include(shared)), path("b/", include(shared)), path("a/", include(shared))],
        {"GET,POST /a/**": "shadow"},
    )
    assert [verdict.word.value for verdict in found.verdicts] == [
        "claimed", "unclaimed", "unreachable"
    ]  # fmt: skip


@pytest.mark.slow
def test_ten_thousand_patterns_are_asked_for_in_batches() -> None:
    patterns = [
        *(path(f"page-{number}/<int:pk>/", page) for number in range(5_000)),
        *(re_path(rf"^old/page-{number}/(\d+)/$", page) for number in range(5_000)),
    ]
    api = AdminApi({"books": {"GET,POST /page-7/**": "shadow"}})
    with admin_api(api) as url:
        found = compare(Proxy(url, None), tuple(patterns))  # type: ignore[arg-type]
    claimed = [v.entry.written for v in found.verdicts if v.word is Word.CLAIMED]
    assert (len(found.verdicts), claimed) == (10_000, ["/page-7/<int:pk>/"])
    assert sum(api.batches) == 2 * (2 * 5_000 + 5_000)
    assert max(api.batches) <= 500
    assert max(api.sizes) <= 64 * 1024


def test_the_first_match_is_that_of_django() -> None:
    patterns = (
        *(one for one in foreign_urls.urlpatterns if "failing" not in str(one.pattern)),
        path("", include(([path("deep/<path:rest>", page), path("", page)], "deep"))),
    )
    matcher, resolver = Matcher(patterns, "en", Trials()), URLResolver(RegexPattern("^/"), patterns)  # type: ignore[arg-type]
    pieces = ["api", "books", "1", "cover.jpg", "search", "late", "years", "1999", "files", "a.b"]
    pieces += ["unanchored-x", "straße", "deep", "", "%", "what?", "100%", "nobody", "_chassis"]
    random = Random(7)
    found = 0
    for _ in range(3_000):
        chosen = random.choices(pieces, k=random.randint(0, 4))
        asked_for = "/" + "/".join(chosen) + random.choice(["", "/"])
        try:
            expected = resolver.resolve(asked_for).func
        except Resolver404:
            expected = None
        chain = matcher.first(asked_for)
        assert (chain[-1].callback if chain else None) is expected, asked_for
        found += expected is not None
    assert found > 300


@pytest.mark.parametrize(
    ("stage", "reason", "safe", "compare", "who"),
    [
        ("monolith", "stage", True, True, "monolith answers"),
        ("shadow", "stage", True, False, "monolith answers, books is asked too"),
        ("shadow", "stage", False, True, "monolith answers"),
        ("canary", "bucket", True, False, "books answers 2.5 % of users, monolith the rest"),
        (
            "canary",
            "bucket",
            True,
            True,
            "books answers 2.5 % of users, monolith the rest; compared",
        ),
        ("service", "stage", True, True, "books answers; compared"),
        ("service", "stage", False, True, "books answers"),
        ("service", "owner", False, True, "writes: monolith, so monolith answers"),
        ("monolith", "aborted", True, True, "aborted: monolith answers"),
    ],
)
def test_who_answers_is_said(stage: str, reason: str, safe: bool, compare: bool, who: str) -> None:
    api = AdminApi({"books": {"GET /**": stage}})
    api.config["capabilities"]["books"] |= {"percent": 2.5, "compare": compare}  # type: ignore[index]
    running = Running("0.1.0", api.config)
    answer = Answer(None, "", "monolith", "books", "GET /**", stage, safe, reason)
    outcome = outcome_of("GET", "/", answer, running)
    assert (outcome.word, outcome.who) == (Word.CLAIMED, who)
    assert outcome.says == f"books · GET /** · {stage}: {who}"
