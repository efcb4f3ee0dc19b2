"""One request of a shopper: what is asked, and which answers are as they should be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from demo.failure import DemoError

OK = frozenset({200})
ANSWER_WITHIN_S = 30


@dataclass(frozen=True)
class Question:
    """``kind`` is what it is counted as; every status beside ``fine`` is an error."""

    kind: str
    path: str
    method: str = "GET"
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fine: frozenset[int] = OK


#: Asks the shop for a visitor; gives None for an answer that is not fine.
Ask = Callable[[requests.Session, Question], requests.Response | None]


class Leaving(Exception):  # noqa: N818
    """The shop closes; whatever a shopper was about to do is not done."""


def send(visitor: requests.Session, base: str, question: Question) -> requests.Response:
    """Ask once; redirects are not followed. Raises what ``requests`` raises."""
    return visitor.request(
        question.method,
        base + question.path,
        json=question.json,
        data=question.form,
        headers=question.headers,
        allow_redirects=False,
        timeout=ANSWER_WITHIN_S,
    )


def ask_for_certain(base: str) -> Ask:
    """For whoever looks when the shoppers have gone: an answer that is not fine is a DemoError."""

    def ask(visitor: requests.Session, question: Question) -> requests.Response:
        try:
            answer = send(visitor, base, question)
        except requests.RequestException as failed:
            raise DemoError(f"{question.path} can't be read: {failed}") from failed
        if answer.status_code not in question.fine:
            raise DemoError(f"{question.path} was answered {answer.status_code}: {answer.text}")
        return answer

    return ask
