"""fig same: two real servers asked the same; what is one, what is alike, what differs, and what differs from itself."""

import itertools
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner, Result

from stranglerfig.cli.main import app

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


class Answer(NamedTuple):
    """What a server says to a path."""

    body: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"), ("X-Shop", "1"))


PDF = (("Content-Type", "application/pdf"),)
TEXT = (("Content-Type", "text/plain"),)


def to(place: str) -> tuple[tuple[str, str], ...]:
    """The headers of a redirect."""
    return (("Location", place),)


class Server:
    """Answers by a table of paths; notes what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.asked.append((self.path, dict(self.headers)))
                answer = server.answers.get(self.path, lambda: Answer("{}", 404))()
                body = answer.body.encode()
                self.send_response_only(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.authority = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.authority}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def says(self, path: str, *answer: Any) -> None:
        self.answers[path] = lambda: Answer(*answer)

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def sides() -> Iterator[tuple[Server, Server]]:
    both = Server(), Server()
    yield both
    for server in both:
        server.close()


def same(sides: tuple[Server, Server], *arguments: str) -> Result:
    control, candidate = sides
    urls = ["--control", control.url, "--candidate", candidate.url]
    return CliRunner().invoke(app, ["same", *urls, *arguments])


def sameness(result: Result) -> dict[str, str]:
    answers = json.loads(result.stdout)["answers"]
    return {answer["path"]: answer["sameness"] for answer in answers}


def test_what_is_the_same_byte_for_byte_is_identical_and_asked_for_one_host(
    sides: tuple[Server, Server],
) -> None:
    for server in sides:
        server.says("/a/?page=2", '{"price": "4.99"}')
    result = same(sides, "/a/?page=2")
    assert result.exit_code == 0, result.output
    assert "identical      1" in result.stdout
    assert "different      0" in result.stdout
    control, candidate = sides
    assert [headers["Host"] for _, headers in control.asked + candidate.asked] == [
        control.authority,
        control.authority,
    ]


@pytest.mark.parametrize(
    ("other", "place", "kind"),
    [
        (('{"price": " 4.99"}',), "body $.price", "value"),
        (("{}",), "body $.price", "missing"),
        (('{"price": "4.99"}', 500), "status", "value"),
        (
            ('{"price": "4.99"}', 200, (("Content-Type", "application/json"),)),
            "header x-shop",
            "missing",
        ),
    ],
)
def test_what_differs_is_shown_in_clear_and_ends_with_1(
    sides: tuple[Server, Server], other: tuple[Any, ...], place: str, kind: str
) -> None:
    sides[0].says("/a/", '{"price": "4.99"}')
    sides[1].says("/a/", *other)
    result = same(sides, "/a/", "--json")
    assert result.exit_code == 1
    [answer] = json.loads(result.stdout)["answers"]
    assert answer["sameness"] == "different"
    assert (place, kind) in [(found["where"], found["kind"]) for found in answer["found"]]
    shown = same(sides, "/a/")
    assert shown.exit_code == 1
    assert f"{place}: {kind}" in shown.stdout


@pytest.mark.parametrize(
    ("expires", "sameness_of_it"),
    [
        ("Thu, 26 Nov 2026 14:00:01 GMT", "identical"),
        ("Thu, 26 Nov 2026 15:00:01 GMT", "different"),
    ],
)
def test_an_expiry_counts_from_its_own_answer(
    sides: tuple[Server, Server], expires: str, sameness_of_it: str
) -> None:
    """As Django's `never_cache` writes it, and a second passes between the two answers."""
    first = "Thu, 26 Nov 2026 14:00:00 GMT"
    sides[0].says("/a/", "{}", 200, (("Date", first), ("Expires", first)))
    later = ("Date", "Thu, 26 Nov 2026 14:00:01 GMT")
    sides[1].says("/a/", "{}", 200, (later, ("Expires", expires)))
    assert sameness(same(sides, "/a/", "--json")) == {"/a/": sameness_of_it}


def test_headers_in_another_order_are_alike_and_not_identical(
    sides: tuple[Server, Server],
) -> None:
    sides[0].says("/a/", "{}", 200, (("X-One", "1"), ("X-Two", "2")))
    sides[1].says("/a/", "{}", 200, (("X-Two", "2"), ("X-One", "1")))
    result = same(sides, "/a/", "--json")
    assert result.exit_code == 0
    assert sameness(result) == {"/a/": "alike"}


def counting(text: str, content_type: str, start: int = 0) -> Callable[[], Answer]:
    """Answers with another number in place of ``#`` each time."""
    counted = itertools.count(start)
    headers = (("Content-Type", content_type),)
    return lambda: Answer(text.replace("#", str(next(counted))), 200, headers)


PAGE = "<p>visitor {counter}</p>\n<h1>Lamps</h1>\n<p>price {price}</p>"
TREE = '{{"rows": [{{"id": 1, "views": {counter}}}, {{"id": 2, "views": {price}}}]}}'


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (PAGE, "text/html"),
        (PAGE.replace("\n", " "), "text/html"),
        (PAGE, "text/plain"),
        (TREE, "application/json"),
    ],
)
def test_a_control_that_differs_from_itself_is_unsteady_and_hides_nothing_else(
    sides: tuple[Server, Server], text: str, content_type: str
) -> None:
    control, candidate = sides
    control.answers["/a/"] = counting(text.format(counter="#", price=10), content_type)
    candidate.answers["/a/"] = counting(text.format(counter="#", price=10), content_type, 500)
    result = same(sides, "/a/", "--json")
    assert sameness(result) == {"/a/": "unsteady"}
    assert result.exit_code == 0

    candidate.answers["/a/"] = counting(text.format(counter="#", price=9999), content_type, 500)
    result = same(sides, "/a/", "--json")
    assert sameness(result) == {"/a/": "different"}
    assert result.exit_code == 1


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream"])
def test_another_answer_altogether_is_different_however_unsteady_the_control(
    sides: tuple[Server, Server], content_type: str
) -> None:
    control, candidate = sides
    control.answers["/a/"] = counting("nonce # of a page", content_type)
    candidate.answers["/a/"] = counting("<h1>Server error</h1>", content_type)
    assert same(sides, "/a/").exit_code == 1


def test_a_list_whose_length_the_control_changes_excuses_no_other_list(
    sides: tuple[Server, Server],
) -> None:
    rows = itertools.count(1)
    sides[0].answers["/a/"] = lambda: Answer(json.dumps({"rows": ["a"] * next(rows)}))
    sides[1].says("/a/", json.dumps({"rows": ["nonsense"] * 9}))
    assert same(sides, "/a/").exit_code == 1


def test_a_control_that_now_and_then_fails_excuses_no_failure(
    sides: tuple[Server, Server],
) -> None:
    statuses = itertools.cycle([200, 500])
    sides[0].answers["/a/"] = lambda: Answer("{}", next(statuses))
    sides[1].says("/a/", "{}", 503)
    assert same(sides, "/a/").exit_code == 1


def test_a_header_that_the_control_sends_now_and_then_is_unsteady(
    sides: tuple[Server, Server],
) -> None:
    sent = itertools.cycle([(("X-Now", "1"),), ()])
    sides[0].answers["/a/"] = lambda: Answer("{}", 200, next(sent))
    sides[1].says("/a/", "{}", 200, ())
    result = same(sides, "/a/", "--json")
    assert sameness(result) == {"/a/": "unsteady"}


def test_what_the_control_changes_elsewhere_excuses_no_member_more(
    sides: tuple[Server, Server],
) -> None:
    control, candidate = sides
    control.answers["/a/"] = counting('{"n": #}', "application/json")
    candidate.answers["/a/"] = counting('{"n": #, "more": 1}', "application/json", 500)
    result = same(sides, "/a/", "--json")
    assert result.exit_code == 1
    [answer] = json.loads(result.stdout)["answers"]
    assert [found["where"] for found in answer["found"]] == ["body $.more"]


def test_a_long_value_is_whole_in_json(sides: tuple[Server, Server]) -> None:
    sides[0].says("/a/", json.dumps({"text": "x" * 500}))
    sides[1].says("/a/", json.dumps({"text": "y" * 500}))
    [answer] = json.loads(same(sides, "/a/", "--json").stdout)["answers"]
    assert answer["found"][0]["candidate"] == json.dumps("y" * 500)
    assert "…" in same(sides, "/a/").stdout


def test_a_file_with_too_many_paths_is_refused(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    (tmp_path / "paths").write_text("/a/\n" * 10_001)
    result = same(sides, "--from", str(tmp_path / "paths"))
    assert result.exit_code == 2
    assert "10,001 paths" in result.output


def test_noise_in_one_element_of_a_list_excuses_no_other(sides: tuple[Server, Server]) -> None:
    counted = itertools.count()
    body = '{"items": [{"views": %d}, {"views": %d}]}'
    sides[0].answers["/a/"] = lambda: Answer(body % (next(counted), 2))
    sides[1].says("/a/", body % (-5, 2))
    assert sameness(same(sides, "/a/", "--json")) == {"/a/": "unsteady"}

    sides[1].says("/a/", body % (-5, 77777))
    result = same(sides, "/a/", "--json")
    assert result.exit_code == 1
    [answer] = json.loads(result.stdout)["answers"]
    assert [found["where"] for found in answer["found"]] == ["body $.items[1].views"]
    assert answer["is_unsteady_too"]
    assert "The control differs from itself too" in same(sides, "/a/").stdout


PAGE = "<html><script data-n='{}'></script>\n<p>Price {}, seen {} times</p></html>"


@pytest.mark.parametrize("page", [PAGE, PAGE.replace("\n", " ")], ids=["lines", "one line"])
@pytest.mark.parametrize(
    "other",
    [
        "<html><h1>Server error, all is lost</h1></html>",
        PAGE.format("x", 9999, 4),
        PAGE.format("x", 10, 4).replace("</p>", "!</p>"),
        PAGE.format("x", 10, 4) + "\nmore",
    ],
)
def test_noise_in_a_text_excuses_its_own_words_alone(
    sides: tuple[Server, Server], page: str, other: str
) -> None:
    html = (("Content-Type", "text/html"),)
    counted = itertools.count()

    def control() -> Answer:
        return Answer(page.format(secrets.token_hex(8), 10, next(counted)), 200, html)

    sides[0].answers["/a/"] = control
    sides[1].says("/a/", page.format(secrets.token_hex(8), 10, "many"), 200, html)
    result = same(sides, "/a/", "--json")
    assert (result.exit_code, sameness(result)) == (0, {"/a/": "unsteady"})
    sides[1].says("/a/", other, 200, html)
    result = same(sides, "/a/", "--json")
    assert (result.exit_code, sameness(result)) == (1, {"/a/": "different"})


def test_of_a_text_the_line_is_shown_that_chance_does_not_explain(
    sides: tuple[Server, Server],
) -> None:
    text = (("Content-Type", "text/plain"),)
    counted = itertools.count()
    sides[0].answers["/a/"] = lambda: Answer(f"at {next(counted)}\nprice 10\n", 200, text)
    sides[1].says("/a/", "at 7\nprice 9999\n", 200, text)
    shown = same(sides, "/a/")
    assert shown.exit_code == 1
    assert "body $.line[2]: value" in shown.stdout
    assert "$.line[1]" not in shown.stdout


@pytest.mark.parametrize(
    ("first", "second", "other"),
    [
        (("a", 200, PDF), ("b", 200, PDF), ("nope", 200, PDF)),
        (("[1, 2]",), ("[1, 2, 3]",), ("[]",)),
        (('{"r": [1, 2]}',), ('{"r": [1, 2, 3]}',), ('{"r": []}',)),
        (("{}", 200), ("{}", 503), ("{}", 500)),
        (("", 302, to("/in?s=a")), ("", 302, to("/in?s=b")), ("", 302, to("/out?s=c"))),
        (("1\n", 200, TEXT), ("1\n2\n", 200, TEXT), ("all is lost\n", 200, TEXT)),
    ],
)
def test_an_unsteady_control_excuses_its_own_answers_and_no_others(
    sides: tuple[Server, Server], first: Any, second: Any, other: Any
) -> None:
    turns = itertools.cycle([Answer(*first), Answer(*second)])
    sides[0].answers["/a/"] = lambda: next(turns)
    sides[1].says("/a/", *other)
    assert same(sides, "/a/").exit_code == 1
    turns = itertools.cycle([Answer(*first), Answer(*second)])
    sides[1].says("/a/", *second)
    result = same(sides, "/a/", "--json")
    assert (result.exit_code, sameness(result)) == (0, {"/a/": "unsteady"})


def test_values_are_cut_for_eyes_alone(sides: tuple[Server, Server]) -> None:
    sides[0].says("/a/", json.dumps({"text": "long " * 100}))
    sides[1].says("/a/", '{"text": ""}')
    [answer] = json.loads(same(sides, "/a/", "--json").stdout)["answers"]
    assert answer["found"][0]["control"] == json.dumps("long " * 100)
    assert "long l…" in same(sides, "/a/").stdout


def test_more_paths_than_are_asked_are_no_silent_loss(tmp_path: Path) -> None:
    (tmp_path / "paths").write_text("".join(f"/{n}/\n" for n in range(10_001)))
    arguments = ["same", "--control", NOBODY, "--candidate", NOBODY, "--from"]
    result = CliRunner().invoke(app, [*arguments, str(tmp_path / "paths")])
    assert result.exit_code == 2
    assert "10,001 paths" in " ".join(result.output.split())


def test_links_are_followed_as_far_as_is_said(sides: tuple[Server, Server]) -> None:
    html = (("Content-Type", "text/html"),)
    page = (
        '<a href="/one/#top">1</a> <a href="two/?x=1">2</a> <a href="http://else.example/">3</a>'
        '<a href="/account/logout/">out</a> <img src="/one/"> <form action="/buy/"></form>'
        '<a href="/_chassis/livez">inside</a> <a href="mailto:a@b.example">mail</a>'
    )
    for server in sides:
        server.says("/", page, 200, html)
        server.says("/one/", "", 302, (("Location", "/three/"),))
    result = same(sides, "--crawl", "10", "--skip", "logout", "--json")
    assert list(sameness(result)) == ["/", "/one/", "/two/?x=1", "/three/"]
    assert list(sameness(same(sides, "--crawl", "2", "--json"))) == ["/", "/one/"]
    assert list(sameness(same(sides, "--crawl", "9", "--only", "/two", "--json"))) == [
        "/",
        "/two/?x=1",
    ]


def test_links_of_json_are_followed_on_the_same_host_alone(sides: tuple[Server, Server]) -> None:
    control = sides[0]
    body = json.dumps(
        {"next": f"http://{control.authority}/a/?page=2", "other": "http://else.example/b/"}
    )
    for server in sides:
        server.says("/a/", body)
    assert list(sameness(same(sides, "/a/", "--crawl", "5", "--json"))) == ["/a/", "/a/?page=2"]


def test_paths_come_from_a_file_and_headers_go_to_both(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    (tmp_path / "paths").write_text("/a/\n\n/b/\n")
    result = same(sides, "--from", str(tmp_path / "paths"), "-H", "Cookie: x=1", "--json")
    assert list(sameness(result)) == ["/a/", "/b/"]
    assert {headers["Cookie"] for side in sides for _, headers in side.asked} == {"x=1"}


def test_nothing_but_errors_is_the_same_and_said(sides: tuple[Server, Server]) -> None:
    result = same(sides, "/nowhere/")
    assert result.exit_code == 0
    assert "1 x 404" in result.stdout
    assert "every answer is an error" in result.stdout
    sides[0].says("/a/", "{}")
    sides[1].says("/a/", "{}")
    assert "every answer is an error" not in same(sides, "/nowhere/", "/a/").stdout


@pytest.mark.parametrize("dead", [0, 1])
def test_who_gives_no_answer_is_named(sides: tuple[Server, Server], dead: int) -> None:
    urls = [sides[0].url, sides[1].url]
    urls[dead] = NOBODY
    arguments = ["same", "--control", urls[0], "--candidate", urls[1], "/a/"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert f"{('control', 'candidate')[dead]}: connect_failed" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--control", "x", "--candidate", NOBODY], "--control"),
        (["--control", NOBODY, "--candidate", NOBODY, "a"], "no path"),
        (["--control", NOBODY, "--candidate", NOBODY, "-H", "x"], "no header"),
        (["--control", NOBODY, "--candidate", NOBODY, "--from", "nowhere"], "cannot be read"),
        (["--control", NOBODY], "--candidate"),
    ],
)
def test_a_mistake_in_the_call_ends_with_2(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["same", *arguments])
    assert result.exit_code == 2
    assert said in result.output


def test_the_file_may_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    monkeypatch.setenv("FIG_CONFIG", "there/fig.yaml")
    assert CliRunner().invoke(app, ["init", "--upstream", NOBODY]).exit_code == 0
    assert (tmp_path / "there/fig.yaml").exists()
    assert CliRunner().invoke(app, ["check"]).exit_code == 0
    assert CliRunner().invoke(app, ["check", "-c", "elsewhere.yaml"]).exit_code == 2


RULES = """\
rules:
  - {name: took, action: ignore, capability: catalog, where: body, path: $.took, reason: r, owner: o, expires: UNTIL}
  - {name: stock, action: expect, capability: catalog, where: body, path: $.stock, kinds: [extra], reason: r, owner: o}
"""
CLAIMING = """\
upstreams: {monolith: "http://127.0.0.1:8100", catalog: "http://127.0.0.1:8211"}
capabilities: {catalog: {upstream: catalog, routes: [GET /api/**]}}
"""


@pytest.mark.parametrize(
    ("path", "candidate", "until", "expected"),
    [
        ("/api/a/", '{"took": 2, "stock": 5}', "2099-12-31", ("ignored", [])),
        ("/api/a/", '{"took": 2, "stock": 5}', "2020-01-31", ("different", ["body $.took"])),
        ("/api/a/", '{"took": 1}', "2099-12-31", ("different", ["expected body $.stock"])),
        ("/api/a/", '{"took": 2, "stock": 5, "x": 1}', "2099-12-31", ("different", ["body $.x"])),
        ("/other/", '{"took": 2}', "2099-12-31", ("different", ["body $.took"])),
    ],
)
def test_the_rules_of_live_traffic_hold_here_too(
    sides: tuple[Server, Server], tmp_path: Path, path: str, candidate: str, until: str, expected: tuple[str, list[str]]
) -> None:  # fmt: skip
    (tmp_path / "fig.yaml").write_text(CLAIMING)
    (tmp_path / "fig.rules.yaml").write_text(RULES.replace("UNTIL", until))
    sides[0].says(path, '{"took": 1}')
    sides[1].says(path, candidate)
    words = [path, "--rules", "--config", str(tmp_path / "fig.yaml")]
    result = same(sides, *words, "--json")
    [answer] = json.loads(result.stdout)["answers"]
    assert (answer["sameness"], [found["where"] for found in answer["found"]]) == expected
    assert result.exit_code == (expected[0] != "ignored")
    shown = same(sides, *words).stdout
    if expected[0] == "ignored":
        assert "ignored        1   differ, and rules in fig.rules.yaml cover all of it" in shown
        assert "rules hit: stock 1, took 1" in shown
    if "expected" in expected[1][:1]:
        assert "a rule expects a change here, and it did not occur" in shown


def test_rules_that_are_not_there_are_asked_for_in_vain(
    sides: tuple[Server, Server], tmp_path: Path
) -> None:
    result = same(sides, "--rules", "--config", str(tmp_path / "fig.yaml"))
    assert result.exit_code == 2
    assert "there is no" in result.stderr
    assert "leave out --rules" in result.stderr
