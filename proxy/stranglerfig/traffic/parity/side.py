"""One side of a parity case: a server that is asked, with the cookies and the CSRF token that it gave."""

import http.client
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from stranglerfig.compare.diff.body import text_of
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.header_value import http_date
from stranglerfig.compare.diff.placeholder import CSRF_FIELD
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.config.model import Upstream

CSRF_COOKIE: Final = "csrftoken"
_WITHIN_S: Final = 30.0
_TOKEN: Final = re.compile(rf"""name=["']?{CSRF_FIELD}["']?\s+value=["']([^"']+)["']""")

TextHeaders = Sequence[tuple[str, str]]


class NoAnswerError(AssertionError):
    """A side gave none."""


class Side:
    """Asks one server; nothing is followed, unpacked or sent again."""

    def __init__(self, name: str, upstream: Upstream) -> None:
        self.name = name
        self.url = upstream.urls[0]
        self.authority = upstream.authority
        self.cookies: dict[str, str] = {}
        #: The newest CSRF token of a page or of the cookie: Django takes either.
        self.token = ""

    def send(self, method: str, target: str, headers: TextHeaders, body: bytes) -> RecordedResponse:
        """One request on a connection of its own; what it gives to keep is kept. Raises ``NoAnswerError``."""
        is_tls = self.url.startswith("https:")
        kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
        connection = kind(self.url.partition("//")[2], timeout=_WITHIN_S)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body or method not in ("GET", "HEAD", "OPTIONS"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            what = str(error) or type(error).__name__
            raise NoAnswerError(
                f"{method} {target}: the {self.name} at {self.url} gave no answer: {what}"
            ) from error
        finally:
            connection.close()
        pairs = answer.getheaders()
        taken = RecordedResponse(
            answer.status,
            tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs),
            content,
        )
        self._keep([value for name, value in pairs if name.lower() == "set-cookie"], taken)
        return taken

    def with_cookies(self, headers: TextHeaders) -> list[tuple[str, str]]:
        """The headers, with the cookies of this side unless they name some themselves."""
        if not self.cookies or any(name.lower() == "cookie" for name, _ in headers):
            return list(headers)
        said = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return [*headers, ("Cookie", said)]

    def _keep(self, lines: list[str], answer: RecordedResponse) -> None:
        for line in lines:
            pair, *attributes = line.split(";")
            name, _, value = (part.strip() for part in pair.partition("="))
            if _is_over(attributes):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
                self.token = value if name == CSRF_COOKIE else self.token
        try:
            text, essence = text_of(answer.body, answer.headers)
        except NotComparableError:
            return
        found = _TOKEN.search(text) if essence == "text/html" else None
        self.token = found[1] if found else self.token


def _is_over(attributes: list[str]) -> bool:
    """Whether a cookie is taken back: ``Max-Age`` goes before ``Expires`` (RFC 6265, 5.3)."""
    said = {
        name.strip().lower(): value.strip()
        for name, _, value in (attribute.partition("=") for attribute in attributes)
    }
    if re.fullmatch(r"-?\d+", said.get("max-age", "")):
        return int(said["max-age"]) <= 0
    until = http_date(said.get("expires", "").encode("latin-1", "replace"))
    return until is not None and until <= datetime.now(UTC)
