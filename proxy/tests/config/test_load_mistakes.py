"""Every kind of mistake: found, at its place, with a mend; and all of them at once."""

import pytest

from stranglerfig.config.load import parse
from stranglerfig.config.problem import ConfigError, Problem

HEAD = """\
upstreams:
  monolith: http://127.0.0.1:8100
  catalog: http://127.0.0.1:8211
"""


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "fig.yaml")
    return caught.value.problems


def test_half_a_character_is_refused_before_it_reaches_a_header_or_a_log() -> None:
    for text in (r'"\ud800": 1', r'state_dir: "x\udfff"'):
        [problem] = problems(HEAD + text + "\n")
        assert (problem.line, problem.message) == (4, "half of a character is escaped")


def test_without_upstreams_nothing_is_said_about_their_names() -> None:
    [problem] = problems("upstreams: {}\n")
    assert problem.message == "there is no upstream"


def test_the_parts_of_a_route_are_no_keys() -> None:
    route = "routes: [{pattern: /x, methods: [GET]}]"
    found = problems(capability("upstream: catalog", route))
    assert [problem.message for problem in found] == ["the route has no match"] + 2 * [
        "the key is unknown"
    ]


UNBUILT = (
    "circuit_breaker", "breaker", "retry", "retries", "health", "health_check", "health-checks", "websockets", "tls",
    "dashboard", "live_data",
)  # fmt: skip


@pytest.mark.parametrize("key", UNBUILT)
def test_what_is_not_built_is_said_wherever_it_is_written(key: str) -> None:
    found = problems(
        f"""\
{key}: {{}}
upstreams:
  monolith: {{url: http://127.0.0.1:8100, {key}: 1}}
  catalog: http://127.0.0.1:8211
capabilities:
  c:
    upstream: catalog
    {key}: [x]
    routes: [{{match: GET /x, {key}: true}}]
"""
    )
    assert [problem.where.rpartition(".")[0] for problem in found] == [
        "", "upstreams.monolith", "capabilities.c", "capabilities.c.routes[0]",
    ]  # fmt: skip
    assert all(problem.message.startswith("not built yet: ") for problem in found)
    assert {problem.mend for problem in found} == {"remove the key"}


@pytest.mark.parametrize("fallthrough", ["", "fallthrough: my shop\n"])
def test_who_refers_to_an_upstream_with_a_bad_name_makes_no_mistake(fallthrough: str) -> None:
    [problem] = problems(
        f"""\
upstreams:
  my shop: http://127.0.0.1:8100
  {"monolith" if not fallthrough else "catalog"}: http://127.0.0.1:8211
{fallthrough}capabilities:
  c: {{upstream: {"catalog" if fallthrough else "my shop"}, routes: [GET /x]}}
"""
    )
    assert (problem.where, problem.line) == ("upstreams.my shop", 2)


def test_an_upstream_with_a_bad_name_alone_is_one_mistake() -> None:
    [problem] = problems("upstreams: {my shop: http://127.0.0.1:8100}\nfallthrough: my shop\n")
    assert problem.where == "upstreams.my shop"


def test_upstreams_that_are_wrong_in_two_ways_hide_nothing() -> None:
    """A name that is none and a value that is none, twice: each is said, and so is what else is wrong."""
    found = problems(
        """\
upstreams: {my shop: 5, 1st: 6, monolith: http://127.0.0.1:8100}
fallthrough: monolit
"""
    )
    assert [problem.where for problem in found] == [
        *2 * ["upstreams.my shop"], *2 * ["upstreams.1st"], "fallthrough",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "my_app-1", "shop.example.", "a1.b2"]
)
def test_every_kind_of_host_may_be_written(host: str) -> None:
    text = f'listen: "{host}:9000"\nupstreams: {{monolith: "http://{host}:80"}}\n'
    assert parse(text, "fig.yaml").config.listen.port == 9000


def capability(*lines: str) -> str:
    """A file with one capability; its first own line is line 6."""
    return HEAD + "capabilities:\n  c:\n" + "".join(f"    {line}\n" for line in lines)


TOP = [
    ("listen: 8000", "listen", "not an address", "host:port"),
    ("listen: ':8000'", "listen", "not an address", "host:port"),
    ("listen: 127.0.0.1:99999", "listen", "port 99999 does not exist", "65535"),
    ("listen: ::1:8000", "listen", "not an address", '"[::1]:8000"'),
    ("listen: 999.1.1.1:80", "listen", "neither an IP address nor a host name", "127.0.0.1"),
    ("listen: '[:::::]:80'", "listen", "neither an IP address nor a host name", "127.0.0.1"),
    ("listen: a..b:80", "listen", "neither an IP address nor a host name", "localhost"),
    ("admin: 127.0.0.1:8000", "admin", "same address", "another port"),
    ("admin: 0.0.0.0:8000", "admin", "same address", "another port"),
    ("listen: 127.0.0.1:8100", "upstreams.monolith", "own listen address", "application"),
    ("admin: 0.0.0.0:8211", "upstreams.catalog", "own admin address", "application"),
    ("workers: many", "workers", "not a whole number", "whole number"),
    ("workers: 2.0", "workers", "not a whole number", "whole number"),
    ("workers: true", "workers", "not a whole number", "whole number"),
    ("workers: 0", "workers", "0 is too few", "write 1 or more"),
    ("workers: 100000", "workers", "100000 is too many", "write 256 or fewer"),
    ("trusted_proxies: 10.0.0.0/8", "trusted_proxies", "not a list", "dash"),
    ("trusted_proxies: [10.0.0.1/8]", "trusted_proxies[0]", "host bits set", "10.0.0.0/8"),
    ("trusted_proxies: [5]", "trusted_proxies[0]", "not a network", "10.0.0.0/8"),
    ("fallthrough: monolit", "fallthrough", "no upstream 'monolit'", "did you mean monolith"),
    ("fallthrough:", "fallthrough", "no value", "remove the key"),
    ("state_dir: ''", "state_dir", "the text is empty", "remove the key"),
    ("state_dir: 5", "state_dir", "not a text", "quotes"),
    (r'state_dir: "a\0b"', "state_dir", "control character", "remove it"),
    ("(listen): 127.0.0.1:1", "(listen)", "unknown", "remove it"),
    ("dot_segments: resolve", "dot_segments", "not one of refuse, pass", "refuse or pass"),
    ("capabilitys: {}", "capabilitys", "unknown", "did you mean capabilities?"),
    ("zzz: 1", "zzz", "unknown", "known keys are listen"),
    ("tls: {}", "tls", "not built yet", "remove the key"),
    ("rollout: {}", "rollout", "not built yet", "remove the key"),
    ("read_your_writes: 2s", "read_your_writes", "unknown here", "below a name in capabilities"),
    ("stage: canary", "stage", "unknown here", "below a name in capabilities"),
    ("url: http://x", "url", "unknown here", "below a name in upstreams"),
    ("capabilities: [a]", "capabilities", "not a mapping", "keys"),
    ("capabilities: {none: {upstream: catalog, routes: [GET /x]}}", "capabilities.none", "taken", "another name"),
    ("capabilities: {a b: {upstream: catalog, routes: [GET /x]}}", "capabilities.a b", "not a name", "letter"),
    ("capabilities: {c: text}", "capabilities.c", "no keys", "upstream"),
    ("capabilities: {c: }", "capabilities.c", "no value", "remove the key"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "where", "message", "mend"), TOP)
def test_a_mistake_at_the_top_is_shown_at_its_place(
    line: str, where: str, message: str, mend: str
) -> None:
    [problem] = problems(HEAD + line + "\n")
    assert problem.where == where
    assert message in problem.message
    assert mend in problem.mend
    assert problem.line == (
        2 if where == "upstreams.monolith" else 3 if "upstreams" in where else 4
    )


UPSTREAM = [
    ("https://h:1", "u.url", "TLS to an upstream is not built yet", "http://"),
    ("ftp://h", "u.url", "not a URL of the form", "http://"),
    ("127.0.0.1:8100", "u.url", "not a URL", "http://"),
    ("http://", "u.url", "not a URL", "http://"),
    ("http://h:1/x", "u.url", "more than a host and a port", "remove the path"),
    ("http://h:1/?", "u.url", "more than a host and a port", "remove the path"),
    ("'http://h:1#f'", "u.url", "more than a host and a port", "remove the path"),
    ("http://u:p@h:1", "u.url", "user or a password", "before the @"),
    ("http://u:p@h:x", "u.url", "user or a password", "before the @"),
    ("https://u:p@h", "u.url", "user or a password", "before the @"),
    ("{url: http://h:1, (port): 2}", "u.(port)", "unknown", "remove it"),
    ("http://h:0", "u.url", "port 0", "http://"),
    ("http://h:99999", "u.url", "not a URL", "http://"),
    ("http://h:x", "u.url", "not a URL", "http://"),
    ("'http://a,b:80'", "u.url", "neither an IP address nor a host name", "http://"),
    ("http://999.1.1.1:80", "u.url", "neither an IP address nor a host name", "http://"),
    ("http://-a:80", "u.url", "neither an IP address nor a host name", "http://"),
    ("'http://[::1'", "u.url", "not a URL", "http://"),
    ("'http://h a'", "u.url", "space", "http://"),
    ("'http://hé'", "u.url", "not ASCII", "http://"),
    ("5", "u", "not an upstream", "URL"),
    ("[http://h:1]", "u", "not an upstream", "URL"),
    ("{}", "u", "has no url", "write url"),
    ("{url: 5}", "u.url", "not a URL", "http://"),
    ("{urls: []}", "u.urls", "not a list of URLs", "urls:"),
    ("{urls: http://h:1}", "u.urls", "not a list of URLs", "urls:"),
    ("{urls: [http://h:1, http://h:2]}", "u.urls[1]", "several urls for one upstream are not built yet", "one url"),
    ("{urls: [https://h:1]}", "u.urls[0]", "not built yet", "http://"),
    ("{url: http://h:1, urls: [http://h:1]}", "u.urls", "both", "one of them"),
    ("{url: http://h:1, health: {}}", "u.health", "not built yet: active health checks", "remove"),
    ("{url: http://h:1, concurrency: 5}", "u.concurrency", "not built yet", "remove"),
    ("{url: http://h:1, shadow_writes: rollback}", "u.shadow_writes", "not built yet", "none"),
    ("{url: http://h:1, name: x}", "u.name", "unknown", "known keys are timeouts"),
    ("{url: http://h:1, host: x}", "u.host", "unknown", ""),
    ("{url: http://h:1, timeout: {}}", "u.timeout", "unknown", "did you mean timeouts?"),
    ("{url: http://h:1, timeouts: {connect_s: 1s}}", "u.timeouts.connect_s", "unknown", "did you mean connect?"),
    ("{url: http://h:1, timeouts: {connect: 5}}", "u.timeouts.connect", "5 has no unit", "5s or 5ms"),
    ("{url: http://h:1, timeouts: {connect: 0s}}", "u.timeouts.connect", "out of range", "1ms to 24h"),
    ("{url: http://h:1, timeouts: {connect: 25h}}", "u.timeouts.connect", "out of range", "1ms to 24h"),
    ("{url: http://h:1, timeouts: {connect: [1s]}}", "u.timeouts.connect", "not a duration", "250ms"),
    ("{url: http://h:1, timeouts: 1s}", "u.timeouts", "not a mapping", "keys"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "where", "message", "mend"), UPSTREAM)
def test_a_mistake_in_an_upstream_is_shown_at_its_place(
    value: str, where: str, message: str, mend: str
) -> None:
    # The flow form keeps all keys on line 4, so lines say little here: columns and paths do.
    found = problems(HEAD + f"  u: {value}\nfallthrough: u\n")
    assert len(found) == 1, found
    assert found[0].where == f"upstreams.{where}"
    assert message in found[0].message
    assert mend in found[0].mend
    assert found[0].line == 4


CAPABILITY = [
    ("stage: canry", "stage", "not one of monolith, shadow, canary, service", "did you mean canary?"),
    ("stage: [canary]", "stage", "not one of", "monolith or"),
    ("percent: 101", "percent", "not from 0 to 100", "percent"),
    ("percent: -1", "percent", "not from 0 to 100", "percent"),
    ("percent: 1.234", "percent", "more than two decimals", "0.01"),
    ("percent: 10%", "percent", "not a number", "10 or 2.5"),
    ("percent: '10'", "percent", "not a number", "10 or 2.5"),
    ("percent: .nan", "percent", "not a number", "10 or 2.5"),
    ("percent: true", "percent", "not a number", "10 or 2.5"),
    ("writes: both", "writes", "not one of monolith, service, stage", "write"),
    ("journey: a b", "journey", "not a name", "letter"),
    ("compare: on", "compare", "neither true nor false", "true or false"),
    ("compare: 1", "compare", "neither true nor false", "true or false"),
    ("sample: 1000", "sample", "not from 0 to 100", ""),
    ("sticky: session", "sticky", "nothing to recognise users by", "cookie"),
    ("sticky: identity", "sticky", "not built yet", "cookie"),
    ("sticky: header", "sticky", "nothing to recognise", "header NAME"),
    ("sticky: header A B", "sticky", "nothing to recognise", "header NAME"),
    ("sticky: header b@d", "sticky", "nothing to recognise", "header NAME"),
    ("sticky: {kind: cookie}", "sticky", "nothing to recognise", "header NAME"),
    ("lists: {allow: [a], deny: [a]}", "lists", "in allow and in deny", "one of them"),
    ("lists: {allow: a}", "lists.allow", "not a list", "dash"),
    ("lists: {allow: [5]}", "lists.allow[0]", "not a text", "quotes"),
    ("lists: {alow: []}", "lists.alow", "unknown", "did you mean allow?"),
    ("fallback: monolith", "fallback", "not built yet", "none"),
    ("identity: required", "identity", "not built yet", "none"),
    ("read_your_writes: 2", "read_your_writes", "no unit", "2s or 2ms"),
    ("read_your_writes: 0", "read_your_writes", "no unit", "0s or 0ms"),
    ("read_your_writes: 2h", "read_your_writes", "out of range", "1h"),
    ("read_your_writes: 0.1ms", "read_your_writes", "out of range", "off"),
    ("read_your_writes: false", "read_your_writes", "not a duration", "off"),
    ("read_your_writes: never", "read_your_writes", "not a duration", "off"),
    ("read_your_writes: [2s]", "read_your_writes", "not a duration", "off"),
    ("read_your_writes:", "read_your_writes", "no value", "remove the key"),
    ("rollout: {}", "rollout", "not built yet", "remove"),
    ("control: nobody", "control", "no upstream 'nobody'", "add it under upstreams"),
    ("control: catalog", "control", "both the monolith and the service", "upstream of the service"),
    ("control:", "control", "no value", "remove the key"),
    ("name: x", "name", "unknown", "known keys"),
    ("share: 5", "share", "unknown", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "where", "message", "mend"), CAPABILITY)
def test_a_mistake_in_a_capability_is_shown_at_its_place(
    line: str, where: str, message: str, mend: str
) -> None:
    [problem] = problems(capability("upstream: catalog", "routes: [GET /x]", line))
    assert problem.where == f"capabilities.c.{where}"
    assert problem.line == 8
    assert message in problem.message
    assert mend in problem.mend


ROUTE = [
    ("GET", "", "not a route", "METHODS PATH"),
    ("/x", "", "not a route", "METHODS PATH"),
    ("/x GET", "", "where the methods belong", "GET /x"),
    ("GET x", "", "does not begin with a slash", "/x"),
    ("GTE /x", "", "no method", "GET"),
    ("GET,GET /x", "", "written twice", "once"),
    ("GET,* /x", "", "nothing more than *", "alone"),
    ("GET, POST /x", "", "no method", "GET,POST"),
    ("HEAD /x", "", "HEAD follows GET", "GET"),
    ("OPTIONS /x", "", "OPTIONS follows", "*"),
    ("CONNECT /x", "", "no method", ""),
    ("TRACE /x", "", "no method", ""),
    ('"GET,SOURCE /x"', "", "no method", ""),
    ("GET /x?a=1", "", "holds a ?", "query"),
    ("'GET /x#a'", "", "holds a #", "fragment"),
    ("GET /a%20b", "", "percent-encoded", "%20"),
    ("GET /**/x", "", "not at the end", "{name}"),
    ("GET /a**", "", "not a whole segment", "*"),
    ("GET /a/../b", "", "dot segment", "without"),
    ("GET /a//b", "", "two slashes", "one"),
    ("'GET /{a}.json'", "", "neither text nor a name", "whole segment"),
    ("'GET /{}'", "", "neither text nor a name", "whole segment"),
    ("'GET /{1a}'", "", "neither text nor a name", "whole segment"),
    ("GET /_chassis/x", "", "never reachable", "remove"),
    ('"GET /\\x01"', "", "control character", "remove"),
    (f"GET /{'a' * 3000}", "", "longer than 2048", "**"),
    (f"GET {'/a' * 65}", "", "more than 64 segments", "**"),
    ("5", "", "not a route", "METHODS PATH"),
    ("[GET /x]", "", "not a route", "METHODS PATH"),
    ("{}", "", "has no match", "match:"),
    ("{match: 5}", ".match", "not a route", "match:"),
    ("{match: GTE /x}", ".match", "no method", "GET"),
    ("{match: GET /x, safe: yes}", ".safe", "neither true nor false", "true or false"),
    ("{match: GET /x, stage: half}", ".stage", "not one of", "monolith"),
    ("{match: GET /x, saef: true}", ".saef", "unknown", "did you mean safe?"),
    ("{match: GET /x, methods: [GET]}", ".methods", "unknown", "known keys are safe, stage, match"),
]  # fmt: skip


@pytest.mark.parametrize(("route", "where", "message", "mend"), ROUTE)
def test_a_mistake_in_a_route_is_shown_at_its_place(
    route: str, where: str, message: str, mend: str
) -> None:
    [problem] = problems(
        capability("upstream: catalog", "routes:", "  - GET /good", f"  - {route}")
    )
    assert problem.where == f"capabilities.c.routes[1]{where}"
    assert problem.line == 9
    assert message in problem.message
    assert mend in problem.mend


SYNTAX = [
    ("listen: 'x", 1, "no end", "quotes"),
    ("a: b: c", 1, "colon", "quotes"),
    ("a:\n\tb: c", 2, "tab", "spaces"),
    ("a:\n  b: 1\n c: 2", 3, "fits to nothing", "indentation"),
    ("a: [1, 2", 1, "expected ',' or ']'", "mend the YAML"),
    ("a: {b: 1", 1, "expected ',' or '}'", "mend the YAML"),
    ("- * /x", 1, "not in quotes", '"* /shop/**"'),
    ("a: @b", 1, "'@'", "mend"),
    ("a: 1\n---\nb: 2", 2, "second document", "one"),
    ("a: &x 1\nb: *x", 2, "alias", "write out"),
    ("a: !!python/object/apply:os.system [x]", 1, "tag", "without"),
    ("a: !secret x", 1, "tag", "without"),
    ("? [a]\n: 1", 1, "key is no text", "word"),
    ("a: \x07", 1, "U+0007", "remove"),
    ("", 0, "empty", "fig init"),
    ("# only a comment\n", 0, "empty", "fig init"),
    ("just a text", 0, "no keys", "upstreams"),
    ("- a\n- b", 0, "no keys", "upstreams"),
]


@pytest.mark.parametrize(("text", "line", "message", "mend"), SYNTAX)
def test_what_is_no_plain_yaml_mapping_is_refused(
    text: str, line: int, message: str, mend: str
) -> None:
    [problem] = problems(text)
    assert problem.line == line
    assert message in problem.message
    assert mend in problem.mend


def test_every_further_place_of_a_key_is_named() -> None:
    found = problems(
        "listen: 127.0.0.1:1\nadmin: 127.0.0.1:2\nlisten: 127.0.0.1:3\nlisten: 127.0.0.1:4\n"
    )
    assert [(problem.line, problem.where) for problem in found] == [(3, "listen"), (4, "listen")]
    assert all("first on line 1" in problem.message for problem in found)


def test_a_missing_key_is_shown_at_what_lacks_it() -> None:
    found = problems(capability("stage: shadow"))
    assert {(p.where, p.line) for p in found} == {
        ("capabilities.c.upstream", 5), ("capabilities.c.routes", 5),
    }  # fmt: skip


def test_without_upstreams_there_is_nothing_to_do() -> None:
    assert [p.where for p in problems("listen: 127.0.0.1:1")] == ["upstreams"]
    found = problems("upstreams: {}")
    assert ("upstreams", "there is no upstream") in [(p.where, p.message) for p in found]


def test_a_default_that_names_nobody_says_that_it_is_the_default() -> None:
    [problem] = problems("upstreams: {app: http://h:1}")
    assert problem.where == "fallthrough"
    assert "the default is 'monolith'" in problem.message


def test_a_wrong_value_is_one_mistake_and_not_two() -> None:
    text = "upstreams: {app: http://h:1}\nfallthrough: 5\n"
    assert [problem.where for problem in problems(text)] == ["fallthrough"]
    text = "upstreams: {monolith: 5}\nlisten: unreadable.invalid:9\n"
    assert [problem.where for problem in problems(text)] == ["upstreams.monolith"]


def test_a_capability_without_a_monolith_is_refused() -> None:
    text = capability("upstream: catalog", "routes: [GET /x]") + "fallthrough: none\n"
    [problem] = problems(text)
    assert problem.where == "capabilities.c"
    assert "control: NAME" in problem.mend


def test_all_mistakes_are_shown_at_once_in_the_order_of_the_file() -> None:
    text = """\
listen: nowhere
upstreams:
  monolith: https://h:1
  catalog: {url: http://h:2, timeouts: {connect: 3}}
fallthrough: monolit
worker: 2
capabilities:
  a:
    upstream: catalogue
    stage: half
    percent: 500
    routes: [GET /x, GTE /y, GET /z]
  b:
    upstream: catalog
    routes:
      - GET /{id}
      - GET /z
      - {match: GET /w, saef: true}
"""
    found = problems(text)
    assert [(p.line, p.where) for p in found] == [
        (1, "listen"),
        (3, "upstreams.monolith.url"),
        (4, "upstreams.catalog.timeouts.connect"),
        (5, "fallthrough"),
        (6, "worker"),
        (9, "capabilities.a.upstream"),
        (10, "capabilities.a.stage"),
        (11, "capabilities.a.percent"),
        (12, "capabilities.a.routes[1]"),
        (17, "capabilities.b.routes[1]"),
        (18, "capabilities.b.routes[2].saef"),
    ]
    assert "ties with GET /z of a" in found[9].message


def test_a_problem_reads_as_one_line_that_editors_can_follow() -> None:
    [problem] = problems(HEAD + "workers: many\n")
    assert str(problem) == (
        "fig.yaml:4:1: workers: 'many' is not a whole number. Mend: write a whole number."
    )
    [problem] = problems(HEAD + "worker: 2\n")
    assert str(problem).endswith("Mend: did you mean workers?")


def test_a_huge_wrong_value_makes_no_huge_message() -> None:
    [problem] = problems(HEAD + f"workers: {'x' * 100_000}\n")
    assert len(str(problem)) < 300


@pytest.mark.parametrize("key", ["capabilities", "trusted_proxies"])
def test_a_collection_whose_lines_are_commented_out_is_empty(key: str) -> None:
    assert not getattr(parse(HEAD + f"{key}:\n  # - later\n", "fig.yaml").config, key)


def test_doubts_are_warnings_and_not_mistakes() -> None:
    text = (
        HEAD
        + """\
  spare: http://127.0.0.1:9
capabilities:
  a: {upstream: catalog, stage: canary, routes: [GET /a]}
  b: {upstream: catalog, stage: shadow, writes: service, routes: [GET /b]}
  c: {upstream: catalog, writes: service, routes: [POST /c, {match: "GET /c2", stage: service}]}
"""
    )
    warnings = parse(text, "fig.yaml").warnings
    assert {(w.where, w.line) for w in warnings} == {
        ("capabilities.a.stage", 6),
        ("capabilities.b.writes", 7),
        ("capabilities.c.writes", 8),
        ("capabilities.c.routes[1]", 8),
        ("upstreams.spare", 4),
    }


def test_a_service_that_only_takes_writes_is_no_doubt() -> None:
    text = capability("upstream: catalog", "writes: service", "routes: [POST /hook]")
    assert parse(text, "fig.yaml").warnings == ()
