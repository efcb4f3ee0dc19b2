"""One visitor: a connection that is kept, a cookie jar, and a note of every request.

Nothing is asked twice: a request that brings no whole answer has failed. Like every browser, a visitor looks before each
request whether the connection was closed meanwhile, and opens another.
"""

import http.client
import select
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from stranglerfig.signing import sign

HOST: Final = "shop.example"
TIMEOUT_S: Final = 30.0
CUT: Final = "cut"
_DEBUG_FOR_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and what became of it. Times are of `time.monotonic`."""

    visitor: str
    path: str
    began: float
    ended: float
    status: int
    """0: no head of an answer came."""
    body: bytes
    error: str
    """Empty for a whole answer; CUT for one whose end is missing; else what went wrong."""
    plan: Mapping[str, str] = field(default_factory=dict)
    """The words of `Fig-Plan`."""

    @property
    def has_failed(self) -> bool:
        return bool(self.error) or self.status != 200

    @property
    def elapsed_s(self) -> float:
        return self.ended - self.began

    @property
    def side(self) -> str:
        return self.plan["side"]

    @property
    def generation(self) -> int:
        return int(self.plan["generation"])

    def __str__(self) -> str:
        return f"{self.path}: {self.status} {self.error} after {self.elapsed_s:.2f} s, {dict(self.plan)}"


def debug_header(secret: str) -> str:
    """What makes the proxy tell its plan."""
    return sign("Fig-Debug", "plan", int(time.time()) + _DEBUG_FOR_S, secret.encode())


class Visitor:
    """Asks for pages at `url`, one after the other."""

    def __init__(self, url: str, debug: str | None, name: str = "visitor") -> None:
        self.name = name
        self.cookies: dict[str, str] = {}
        self.connections = 0
        self._address = urlsplit(url).netloc
        self._debug = debug
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Asked:
        """One request; never raises for what the network or the proxy does."""
        began = time.monotonic()
        status, body, error, plan = 0, b"", "", ""
        try:
            response = self._send(path)
            status, plan = response.status, response.getheader("Fig-Plan", "")
            for value in response.headers.get_all("Set-Cookie", ()):
                self.cookies.update((name, m.value) for name, m in SimpleCookie(value).items())
            body = response.read()
        except http.client.IncompleteRead as cut:
            error, body = CUT, cut.partial
        except (OSError, http.client.HTTPException) as failed:
            # In the middle of a body, a reset says that it was cut.
            error = CUT if status else f"{type(failed).__name__}: {failed}"
        if error:
            self.leave()
        words = dict(word.split("=", 1) for word in plan.split("; ") if word)
        return Asked(self.name, path, began, time.monotonic(), status, body, error, words)

    def leave(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, path: str) -> http.client.HTTPResponse:
        connection = self._connected()
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", HOST)
        if self._debug is not None:
            connection.putheader("Fig-Debug", self._debug)
        if self.cookies:
            jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.putheader("Cookie", jar)
        connection.endheaders()
        return connection.getresponse()

    def _connected(self) -> http.client.HTTPConnection:
        known = self._connection
        if known is not None and known.sock is not None:
            if not select.select([known.sock], [], [], 0)[0]:
                return known
            known.close()  # nothing was asked, so all that can be read is its end
        self._connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_S)
        self._connection.connect()
        self.connections += 1
        return self._connection
