"""Single questions, for what is not measured."""

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

TIMEOUT_S = 10.0


class Answer(NamedTuple):
    """Status, Set-Cookie pairs (name=value), body."""

    status: int
    cookies: list[str]
    body: bytes


class Asker:
    """One kept connection to a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def ask(self, target: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET."""
        self._connection.request("GET", target, headers=dict(headers or {}))
        response = self._connection.getresponse()
        body = response.read()
        set_cookies = response.headers.get_all("Set-Cookie") or []
        return Answer(response.status, [each.partition(";")[0] for each in set_cookies], body)

    def seen(self, target: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """What the upstream says it saw of such a request."""
        answer = self.ask(target, headers)
        told = json.loads(answer.body) if answer.status == 200 else {"status": answer.status}
        return {**told, "cookies": answer.cookies}

    def close(self) -> None:
        self._connection.close()


def is_answered(port: int, target: str) -> bool:
    """Whether the target is answered with 200."""
    asker = Asker(port)
    try:
        return asker.ask(target).status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asker.close()
