"""A small browser that writes down exactly what it was told: status, every header in order, every byte.

Used to hold two ways to the same shop against each other. Values that are made afresh for each visit (CSRF tokens,
session ids) are replaced by a word, never dropped; bodies that were compressed are unpacked first, since Django pads
them at random (against the BREACH attack).
"""

import gzip
import http.client
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from journeys.page_form import read_form

HOST = "localhost:8000"
TOKENS = re.compile(rb"(csrfmiddlewaretoken[\"'] value=[\"']|csrftoken=|sessionid=)[A-Za-z0-9]+")
# Django's messages travel signed and stamped: what they say stays, the rest is replaced.
SIGNATURES = re.compile(rb"(messages=[^:;]+:)[A-Za-z0-9:_-]+")
# Uploaded pictures of people get a name that cannot be guessed.
AVATARS = re.compile(rb"(/media/avatars/)[A-Za-z0-9_/-]+")
JUST_NOW = re.compile(rf'(datetime="{datetime.now(UTC):%Y-%m-%d}T)[0-9:.]+'.encode())
DATES = re.compile(rb"(?i)(expires=)[A-Z][a-z]{2}, [^;]+?GMT")
# Of the connection, not of the answer (RFC 9110, 7.6.1), and the clock.
NOT_THE_ANSWERS = {"connection", "keep-alive", "transfer-encoding", "date"}


@dataclass
class Answer:
    """One answer as received."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The first value of a header, or an empty text."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def normal(self) -> tuple[int, str, list[tuple[str, str]], bytes]:
        """The answer with what is new on each visit replaced."""
        body, kept = self.body, []
        zipped = self.header("content-encoding") == "gzip"
        if zipped:
            body = gzip.decompress(body)
        steady = AVATARS.sub(rb"\1<name>", TOKENS.sub(rb"\1<token>", body))
        steady = JUST_NOW.sub(rb"\1<time>", steady)
        for name, value in self.headers:
            if name.lower() in NOT_THE_ANSWERS:
                continue
            shown = TOKENS.sub(rb"\1<token>", value.encode("latin-1"))
            shown = DATES.sub(rb"\1<time>", SIGNATURES.sub(rb"\1<token>", shown))
            if name.lower() == "expires":  # Django counts it from now
                shown = b"<time>"
            if name.lower() == "etag" and steady != body:
                shown = b"<made from the token too>"
            if zipped and name.lower() == "content-length":
                shown = b"<packed length>"
            kept.append((name, shown.decode("latin-1")))
        return self.status, self.reason, kept, steady


@dataclass
class Visitor:
    """One visit: a kept-alive connection and a cookie jar."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send one request as a browser would; ``content_type="…"`` is the header Content-Type."""
        if self._connection is None:
            parts = urlsplit(self.url)
            self._connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        connection = self._connection
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", HOST)
        if self.cookies:
            jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.putheader("Cookie", jar)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-").title(), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        answer = Answer(response.status, response.reason, response.getheaders(), response.read())
        self._keep_cookies(answer)
        if response.will_close:
            connection.close()
            self._connection = None
        return answer

    def submit(
        self,
        page: str,
        field_name: str,
        changes: dict[str, str],
        files: dict[str, tuple[str, bytes]] | None = None,
        **headers: str,
    ) -> Answer:
        """Open ``page``, fill in its form that has ``field_name``, and send it as a browser would."""
        form = read_form(self.ask("GET", page).body.decode(), field_name)
        fields = form.filled(changes)
        path = (form.action or page).partition("#")[0]  # a browser keeps the fragment to itself
        if form.enctype != "multipart/form-data":
            body = urlencode(fields).encode()
            return self.ask("POST", path, body, content_type=form.enctype, **headers)
        boundary = "frontier-7d31"
        parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields]
        for name, (filename, content) in (files or {}).items():
            parts.append(_part(boundary, f'name="{name}"; filename="{filename}"', content))
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        content_type = f"multipart/form-data; boundary={boundary}"
        return self.ask("POST", path, body, content_type=content_type, **headers)

    def close(self) -> None:
        """End the visit."""
        if self._connection is not None:
            self._connection.close()

    def _keep_cookies(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    if morsel["max-age"] == "0":
                        self.cookies.pop(key, None)
                    else:
                        self.cookies[key] = morsel.value


def _part(boundary: str, disposition: str, content: bytes) -> bytes:
    """One part of a multipart body (RFC 7578)."""
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"
