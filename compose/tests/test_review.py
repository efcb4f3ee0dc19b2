"""A review is written once per product; its author and a stranger look for it at once."""

from typing import Any

import pytest
import requests

from demo.asking import Ask, Question
from demo.failure import DemoError
from demo.review import Review, write_review

PRODUCTS = ["lamp", "chair"]


def shop(reviewed: list[str], known_to_strangers: bool) -> Ask:
    """Answers as the shop does; a stranger's answers may lack what was just written."""
    written: dict[str, int] = {}

    def ask(visitor: requests.Session, question: Question) -> requests.Response:
        status: int = 200
        body: Any = {}
        slug = question.path.rstrip("/").split("/")[-2]
        match question.method, question.path:
            case "POST", "/account/login/":
                status = 302
                visitor.cookies.set("csrftoken", "a-token")
            case "GET", path if "page_size" in path:
                body = {"results": [{"slug": each} for each in PRODUCTS]}
            case "POST", _ if slug in reviewed:
                status = 400
            case "POST", _:
                status, body = 201, {"id": 7}
                written[slug] = 7
            case "GET", path if path.endswith("/reviews/"):
                knows = known_to_strangers or "csrftoken" in visitor.cookies
                body = {"results": [{"id": written[slug]}] if knows else []}
        assert status in question.fine
        answer = requests.Response()
        answer.status_code = status
        answer.json = lambda **_: body  # type: ignore[method-assign]
        return answer

    return ask


@pytest.mark.parametrize("known", [True, False])
def test_a_stranger_may_not_know_yet_what_its_author_sees(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    monkeypatch.setattr("demo.review.ask_for_certain", lambda base: shop(["lamp"], known))
    assert write_review("http://shop", "ada") == Review("chair", True, known)


def test_who_has_reviewed_everything_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.review.ask_for_certain", lambda base: shop(PRODUCTS, True))
    with pytest.raises(DemoError, match="ada has reviewed every product"):
        write_review("http://shop", "ada")
