"""The monolith's rows over HTTP, with time-outs, retries and clear words when it can't be read."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase

from chassis.environment import Secret
from chassis.ownership.values import Kind

CONNECT_TIMEOUT_S = 3.05  # just over a retransmitted SYN
READ_TIMEOUT_S = 30.0
# 0.5 + 1 + 2 + 4 + 8 + 10 + 10 s: outlives a restart of the source.
RETRY_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0)
_RETRIED = {429, 500, 502, 503, 504}
# gunicorn takes request lines of 4,094 bytes unless told otherwise.
MAX_QUERY_BYTES = 3000
MAX_KEYS = 50


class SourceError(Exception):
    """The source can't be read, or does not answer as a source; the message says what to do."""


@dataclass(frozen=True)
class SourcePage:
    columns: Mapping[str, Kind]
    key: str
    rows: Sequence[Mapping[str, object]]
    """As written in JSON, by column."""
    next: object | None
    total: int | None


class _Bearer(AuthBase):
    # An auth object, not a header: requests would let a netrc entry for the host replace the header.
    def __init__(self, credential: Secret) -> None:
        self._credential = credential

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._credential}"
        return request


class Source:
    """Reads one capability's tables. `on_retry` is told why and for how long it waits."""

    def __init__(
        self,
        url: str,
        capability: str,
        credential: Secret,
        on_retry: Callable[[str], None] = lambda message: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(f"the source {url!r} is no http:// or https:// URL")
        if parts.username or parts.password:
            raise SourceError(
                "the source's URL holds a password; credentials go in CHASSIS_CREDENTIAL"
            )
        self.url = f"{url.rstrip('/')}/_chassis/rows/{quote(capability, safe='')}"
        self._session = requests.Session()
        self._session.auth = _Bearer(credential)
        self._session.headers["Accept"] = "application/json"
        self._on_retry = on_retry
        self._sleep = sleep

    def page(
        self,
        table: str,
        after: object | None,
        limit: int,
        *,
        only_key: bool = False,
        count: bool = False,
    ) -> SourcePage:
        """The page of at most `limit` rows after the key `after`."""
        parameters = [("table", table), ("limit", str(limit))]
        if after is not None:
            parameters.append(("after", str(after)))
        if only_key:
            parameters.append(("only", "key"))
        if count:
            parameters.append(("count", "1"))
        page = self._get(parameters, table)
        if page.next is not None and (not page.rows or page.next != page.rows[-1].get(page.key)):
            raise SourceError(
                f"{self.url}: a page of {table} names a next key that is not its last row's"
            )
        if page.next is not None and page.next == after:
            raise SourceError(f"{self.url}: {table} does not get past the key {after!r}")
        return page

    def rows(self, table: str, keys: Sequence[object]) -> list[SourcePage]:
        """The rows with these keys, as far as the source has them, in as many requests as it takes."""
        pages: list[SourcePage] = []
        parameters: list[tuple[str, str]] = []
        for key in map(str, keys):
            length = sum(len(quote(value)) + 5 for _, value in parameters) + len(quote(key))
            if len(parameters) == MAX_KEYS or (parameters and length > MAX_QUERY_BYTES):
                pages.append(self._get([("table", table), *parameters], table))
                parameters = []
            parameters.append(("key", key))
        if parameters:
            pages.append(self._get([("table", table), *parameters], table))
        return pages

    def _get(self, parameters: list[tuple[str, str]], table: str) -> SourcePage:
        for attempt in range(len(RETRY_DELAYS_S) + 1):
            try:
                answer = self._session.get(
                    self.url,
                    params=parameters,
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                    allow_redirects=False,
                )
                if answer.status_code not in _RETRIED:
                    return self._read(answer, table)
                mistake = f"it answers {answer.status_code}{_detail(answer)}"
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as error:
                mistake = f"{type(error).__name__}"
            except requests.RequestException as error:
                raise SourceError(f"{self.url} can't be asked: {type(error).__name__}") from error
            if attempt < len(RETRY_DELAYS_S):
                delay_s = RETRY_DELAYS_S[attempt]
                self._on_retry(f"{self.url}: {mistake}; asking again in {delay_s:g} s")
                self._sleep(delay_s)
        raise SourceError(
            f"{self.url} can't be read after {len(RETRY_DELAYS_S) + 1} attempts: {mistake}. "
            "Nothing is lost: run backfill again when it is back."
        )

    def _read(self, answer: requests.Response, table: str) -> SourcePage:
        if answer.status_code != HTTPStatus.OK:
            raise SourceError(
                f"{self.url} answers {answer.status_code}{_detail(answer)}{_hint(answer)}"
            )
        try:
            body: dict[str, Any] = answer.json()
            columns = {column["name"]: Kind(column["kind"]) for column in body["columns"]}
            if body["table"] != table:
                raise ValueError(f"rows of {body['table']} instead of {table}")
            rows = [dict(zip(columns, row, strict=True)) for row in body["rows"]]
            return SourcePage(columns, body["key"], rows, body["next"], body.get("total"))
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"{self.url} does not answer as a source of rows ({error}). "
                "Is chassis.ownership installed there, in a version that fits this one?"
            ) from error


def _detail(answer: requests.Response) -> str:
    if "problem+json" not in answer.headers.get("Content-Type", ""):
        return ""
    try:
        return f": {answer.json()['detail']}"
    except (KeyError, TypeError, ValueError):
        return ""


def _hint(answer: requests.Response) -> str:
    if answer.is_redirect:
        return f" to {answer.headers['Location']}: give the address that answers itself"
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return " (this service's credential is CHASSIS_CREDENTIAL)"
    return ""
