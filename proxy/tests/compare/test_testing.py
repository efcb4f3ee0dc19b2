"""``stranglerfig.testing``: the rules of live traffic in somebody's own tests."""

import gzip
import json
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from stranglerfig.config.problem import ConfigError
from stranglerfig.testing import Rules, assert_same_answer, load_rules

RULES = """\
rules:
  - {name: took, action: ignore, capability: c, where: body, path: $.took, reason: r, owner: o, expires: 2099-12-31}
  - {name: stock, action: expect, capability: c, route: GET /x, where: body, path: $.stock, kinds: [extra], reason: r, owner: o}
"""


@dataclass
class Answer:
    """As Django's test client gives it."""

    body: Any
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    cookies: SimpleCookie = field(default_factory=SimpleCookie)

    @property
    def content(self) -> bytes:
        return json.dumps(self.body).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fig.rules.yaml"
    path.write_text(RULES)
    return path


def test_what_rules_cover_passes_and_their_hits_are_given(file: Path) -> None:
    rules = load_rules(file)
    assert assert_same_answer(Answer({"took": 1}), Answer({"took": 2}), rules, "c") == {"took": 1}
    assert assert_same_answer(Answer({"a": 1}), Answer({"a": 1}), rules, "c") == {}


@pytest.mark.parametrize(
    ("candidate", "route", "said"),
    [
        (Answer({"took": 1, "a": 4.9}), "", "value at body $.a: control 4.99, candidate 4.9"),
        (Answer({"a": 4.99}), "", "missing at body $.took: control 1, candidate (absent)"),
        (Answer({"took": 1, "a": 4.99}, 404), "", "value at status: control 200, candidate 404"),
        (Answer({"took": 1, "a": 4.99}), "GET /x", "expected body $.stock: a rule expects a change here"),
        (Answer({"took": 1, "a": 4.99}, cookies=SimpleCookie("a=b")), "", "extra at header set-cookie"),
    ],
)  # fmt: skip
def test_what_differs_fails_with_both_values(
    file: Path, candidate: Answer, route: str, said: str
) -> None:
    with pytest.raises(AssertionError) as failed:
        assert_same_answer(Answer({"took": 1, "a": 4.99}), candidate, load_rules(file), "c", route)
    assert said in str(failed.value)


def test_an_expired_rule_fails_the_test_that_it_let_pass(file: Path) -> None:
    file.write_text(RULES.replace("2099", "2020"))
    with pytest.raises(AssertionError, match=r"value at body \$\.took"):
        assert_same_answer(Answer({"took": 1}), Answer({"took": 2}), load_rules(file), "c")


def test_answers_of_requests_are_compared_unpacked() -> None:
    def answer(packed: bool) -> requests.Response:
        made = requests.Response()
        made.status_code = 200
        body = b'{"a": 1}'
        headers = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if packed else {})  # fmt: skip
        made.raw = HTTPResponse(gzip.compress(body) if packed else body, headers, preload_content=False)  # fmt: skip
        made._content = body
        return made

    assert assert_same_answer(answer(True), answer(False), Rules(), "c") == {}


def test_a_file_that_is_missing_or_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"fig\.rules\.yaml"):
        load_rules(tmp_path / "fig.rules.yaml")
    (tmp_path / "fig.rules.yaml").write_text("rules: 7")
    with pytest.raises(ConfigError, match="is not a list"):
        load_rules(tmp_path / "fig.rules.yaml")
