"""Which bugs are on: the names in a file that nobody but this process reads, looked up once for each request.

The file is what the tests write; the requests of both sides stay the same to the letter.
"""

import os
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

from django.http import HttpRequest, HttpResponse

FILE = Path(os.environ["PLANTED_FILE"])

_on: ContextVar[frozenset[str]] = ContextVar("on", default=frozenset())

Change = Callable[[HttpRequest, HttpResponse], None]
CHANGES: dict[str, Change] = {}
"""What happens to the head of an answer, by the name of the bug."""


def is_on(name: str) -> bool:
    """Whether a bug is awake in this request."""
    return name in _on.get()


class SwitchMiddleware:
    """Reads the file before anything else sees the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with what is on now."""
        _on.set(frozenset(FILE.read_text(encoding="utf-8").split()))
        response = self.get_response(request)
        for name in _on.get() & CHANGES.keys():
            CHANGES[name](request, response)
        return response
