"""Asks byte for byte what a case says, and keeps what of the answer two ways must share."""

import gzip
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

# Of the connection or the moment, not of the answer: RFC 9110 sections 7.6.1 and 6.6.1.
NOT_COMPARED = {"connection", "date", "keep-alive", "transfer-encoding"}
HOST = "shop.example"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    """In the order in which they came, without NOT_COMPARED."""
    body: bytes
    """Unpacked: Django pads what it packs at random, so that its length tells nothing (BREACH)."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def without(self, *names: str) -> "Answer":
        """Without these headers, named in lower case."""
        kept = tuple((key, value) for key, value in self.headers if key.lower() not in names)
        return Answer(self.status, kept, self.body)


def ask(base_url: str, method: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own; `path` goes out as it is."""
    parts = urlsplit(base_url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": HOST, **(headers or {})}.items():
            connection.putheader(name, value)
        if method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        response = connection.getresponse()
        body = response.read()
        kept = [(k, v) for k, v in response.getheaders() if k.lower() not in NOT_COMPARED]
    finally:
        connection.close()
    if response.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body) if body else body
        kept = [(key, value) for key, value in kept if key.lower() != "content-length"]
    return Answer(response.status, tuple(kept), body)
