"""fig.rules.yaml: each rule covers a kind at a place, and what would cover too much is refused with its line."""

from pathlib import Path

import pytest

from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.diff.reading import As, ListReading, Reading
from stranglerfig.compare.rules import Rules, load_rules, parse_rules
from stranglerfig.compare.stray_rules import find_stray_rules
from stranglerfig.config.model import Config
from stranglerfig.config.problem import ConfigError

FILE = Path("fig.rules.yaml")
RULE = """
rules:
  - name: search-duration
    action: ignore
    capability: catalog
    where: body
    path: $.results[].took_ms
    reason: measured anew for each answer
    owner: search team
    expires: 2099-12-31
"""
SOME, OTHER = Shape("number", 1, "d", "aaa"), Shape("number", 1, "d", "bbb")


def difference(
    where: str = "body", template: str = "$.results[].took_ms", kind: Kind = Kind.VALUE
) -> Difference:
    return Difference(kind, where, template.replace("[]", "[0]"), template, SOME, OTHER)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse_rules(text, FILE)
    return [f"{problem.line}: {problem.message}" for problem in raised.value.problems]


def test_no_file_and_an_empty_file_are_no_rules(tmp_path: Path) -> None:
    assert load_rules(tmp_path / "fig.rules.yaml") == Rules()
    (tmp_path / "fig.rules.yaml").write_text("")
    assert load_rules(tmp_path / "fig.rules.yaml") == Rules()


def test_a_list_of_rules_without_their_key_is_told_so() -> None:
    with pytest.raises(ConfigError) as raised:
        parse_rules(RULE.partition("rules:")[2], FILE)
    [problem] = raised.value.problems
    assert (problem.message, problem.mend) == ("the file is a list", "put `rules:` on top")


def test_a_rule_covers_its_kind_at_its_place_and_nothing_else() -> None:
    rules = parse_rules(RULE, FILE).for_route("catalog", "GET /x")
    assert rules.ignoring(difference()) == "search-duration"
    assert rules.ignoring(difference(kind=Kind.TYPE)) is None
    assert rules.ignoring(difference(kind=Kind.MISSING)) is None
    assert rules.ignoring(difference(template="$.results[].took_ms_total")) is None
    assert rules.ignoring(difference(template="$.took_ms")) is None
    assert rules.ignoring(difference(where="header took_ms", template="")) is None
    assert parse_rules(RULE, FILE).for_route("payments", "GET /x").ignoring(difference()) is None


def test_a_rule_with_a_route_holds_there_alone() -> None:
    rules = parse_rules(RULE + "    route: GET /api/catalog/**\n", FILE)
    assert rules.for_route("catalog", "GET /api/catalog/**").ignoring(difference())
    assert not rules.for_route("catalog", "GET /api/catalog/{id}").ignoring(difference())


def test_a_header_rule_covers_all_parts_or_the_named_one() -> None:
    text = """
rules:
  - {name: all, action: ignore, capability: c, where: header Vary, kinds: [missing], reason: r, owner: o, expires: 2099-12-31}
  - {name: one, action: ignore, capability: c, where: header set-cookie, path: "[a].path", reason: r, owner: o, expires: 2099-12-31}
"""
    rules = parse_rules(text, FILE).for_route("c", "")
    assert rules.ignoring(difference("header vary", "[cookie]", Kind.MISSING)) == "all"
    assert rules.ignoring(difference("header vary-x", "", Kind.MISSING)) is None
    assert rules.ignoring(difference("header set-cookie", "[a].path")) == "one"
    assert rules.ignoring(difference("header set-cookie", "[a].domain")) is None


def test_show_rules_show_and_ignore_nothing() -> None:
    text = """
rules:
  - {name: price, action: show, capability: c, where: body, path: "$.price", reason: r, owner: o, expires: 2099-12-31}
  - {name: page, action: show, capability: c, where: query page, reason: r, owner: o, expires: 2099-12-31}
"""
    rules = parse_rules(text, FILE).for_route("c", "")
    assert rules.shows("body", "$.price")
    assert not rules.shows("body", "$.name")
    assert rules.shows("query page", "")
    assert rules.ignoring(difference(template="$.price")) is None


def test_rules_survive_the_control_channel() -> None:
    rules = parse_rules(RULE + "    kinds: [value, format]\n    route: GET /x\n", FILE)
    assert Rules.model_validate(rules.model_dump(mode="json")) == rules


LISTS = """
rules:
  - {name: tags, action: list, capability: c, where: body, path: "$.tags", as: bag, reason: r}
  - {name: later, action: list, capability: c, where: body, path: "$.tags", as: ordered, reason: r}
  - {name: all, action: list, capability: c, route: GET /x, where: body, path: $, as: key, key: sku, reason: r}
  - {name: assets, action: placeholder, capability: c, route: GET /x, where: body, as: asset, reason: r}
"""


def test_how_lists_and_assets_are_read_is_said_by_route_and_by_the_first_rule() -> None:
    rules = parse_rules(LISTS, FILE)
    assert Rules.model_validate(rules.model_dump(mode="json")) == rules
    assert rules.for_route("c", "GET /y").reading == Reading({"$.tags": ListReading(As.BAG)}, False)
    there = rules.for_route("c", "GET /x").reading
    assert there.lists == {"$.tags": ListReading(As.BAG), "$": ListReading(As.KEY, "sku")}
    assert there.are_assets_hashed


@pytest.mark.parametrize("path", ["$.main#content.ul.li.#text", "$.form#login.fields.email.@value", "$.@lang"])  # fmt: skip
def test_places_of_a_page_can_be_named(path: str) -> None:
    rules = parse_rules(rule(path=f"'{path}'"), FILE).for_route("c", "")
    assert rules.ignoring(difference(template=path)) == "n"


def rule(**changes: str) -> str:
    keys = {
        "name": "n", "action": "ignore", "capability": "c", "where": "body", "path": "$.a", "reason": "r",
        "owner": "o", "expires": "2099-12-31", **changes,
    }  # fmt: skip
    return "rules:\n  - " + "\n    ".join(f"{key}: {value}" for key, value in keys.items() if value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"path": ""}, "the rule covers the whole body"),
        ({"path": "$"}, "the rule covers the whole body"),
        ({"path": "$", "action": "show"}, "the rule covers the whole body"),
        ({"path": "a.b"}, "is no path of this form"),
        ({"path": "$.a[3].b"}, "is no path of this form"),
        ({"path": "$..b"}, "is no path of this form"),
        ({"path": "$.line[]"}, "every line of every text"),
        ({"kinds": "[value, type, null, missing, extra, order, size, format, duplicate]"}, "every kind"),
        ({"kinds": "[]"}, "kinds is empty"),
        ({"kinds": "[valu]"}, "'valu' is not one of"),
        ({"where": "status", "path": ""}, "every status"),
        ({"where": "status", "path": "$.a", "route": "GET /x"}, "a path means nothing in status"),
        ({"where": "status", "path": "", "action": "show"}, "always shown"),
        ({"where": "query page", "path": ""}, "cannot differ"),
        ({"where": "header"}, "is no place"),
        ({"where": "header a b"}, "is no place"),
        ({"where": "3"}, "is no place"),
        ({"action": "hide"}, "'hide' is not one of"),
        ({"reason": "' '"}, "the reason is empty"),
        ({"name": "a b"}, "is not a name"),
        ({"route": "/api/x"}, "'/api/x' is not a route"),
        ({"action": "list"}, "not said how the list is read"),
        ({"action": "list", "path": "", "as": "bag"}, "the list is not named"),
        ({"action": "list", "path": "a", "as": "bag"}, "is no path of this form"),
        ({"action": "list", "as": "asset"}, "not said how the list is read"),
        ({"action": "list", "as": "heap"}, "'heap' is not one of"),
        ({"action": "list", "as": "key"}, "belong together"),
        ({"action": "list", "as": "bag", "key": "sku"}, "belong together"),
        ({"action": "list", "as": "bag", "where": "header vary"}, "reads bodies alone"),
        ({"action": "list", "as": "bag", "kinds": "[order]"}, "kinds mean nothing"),
        ({"action": "placeholder"}, "path means nothing to placeholder"),
        ({"action": "placeholder", "path": ""}, "what the placeholder stands for"),
        ({"action": "placeholder", "path": "", "as": "bag"}, "what the placeholder stands for"),
        ({"as": "bag"}, "as means nothing to ignore"),
        ({"action": "show", "key": "sku"}, "key means nothing to show"),
        ({"ownr": "me"}, "the key is unknown"),
        ({"capability": ""}, "the key is missing"),
    ],
)  # fmt: skip
def test_a_rule_that_is_wrong_or_too_broad_is_refused(
    changes: dict[str, str], expected: str
) -> None:
    (problem,) = problems(rule(**changes))
    assert expected in problem


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = rule(path="$") + "\n  - 7\n" + "  - name: x\n    action: ignore\n"
    lines = [problem.partition(":")[0] for problem in problems(text)]
    assert len(lines) == 5
    assert lines == sorted(lines, key=int)


@pytest.mark.parametrize(
    "text", ["- a", "7", "rules: 7", "rules: {a: 1}", "rules: [", "\x00", "a: &a [*a]"]
)
def test_a_file_of_another_form_is_refused(text: str) -> None:
    assert problems(text)


def test_two_rules_of_one_name_are_refused() -> None:
    text = rule() + rule().removeprefix("rules:")
    assert problems(text) == ["10: two rules are called 'n'"]


CONFIG = Config.model_validate(
    {
        "upstreams": {"monolith": "http://127.0.0.1:1", "s": "http://127.0.0.1:2"},
        "capabilities": {"catalog": {"upstream": "s", "routes": ["GET,POST /api/x"]}},
    }
)


def strays(**changes: str) -> list[str]:
    return [str(problem) for problem in find_stray_rules(rule(**changes), FILE, CONFIG)]


def test_a_route_is_found_in_any_spelling() -> None:
    rules = parse_rules(rule(capability="catalog", route="POST,GET  /api/x"), FILE)
    (route,) = CONFIG.capabilities["catalog"].routes
    assert rules.for_route("catalog", route.text).ignoring(difference(template="$.a")) == "n"
    assert strays(capability="catalog", route="POST,GET  /api/x") == []


def test_a_rule_that_can_cover_nothing_is_told_with_its_line() -> None:
    (unknown,) = strays(capability="catalgo")
    assert unknown.startswith(
        "fig.rules.yaml:4:5: rules[0].capability: fig.yaml has no capability 'catalgo'"
    )
    assert "did you mean catalog?" in unknown
    (route,) = strays(capability="catalog", route="GET /api/y")
    assert "has no route 'GET /api/y'" in route
    assert strays(capability="catalog") == []
