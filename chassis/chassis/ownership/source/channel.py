"""Asking the monolith over HTTP, with time-outs, retries and clear words when it gives no answer."""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase

from chassis.environment import Secret

CONNECT_TIMEOUT_S = 3.05  # just over a retransmitted SYN
READ_TIMEOUT_S = 30.0
# 0.5 + 1 + 2 + 4 + 8 + 10 + 10 s: outlives a restart of the source.
RETRY_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0)
_RETRIED = {429, 500, 502, 503, 504}


class SourceError(Exception):
    """The source can't be read, or does not answer as a source; the message says what to do."""


class SourceAwayError(SourceError):
    """It gives no answer now; later it may."""


class SourceRefusedError(SourceError):
    """It answers with an error; `status` and `code` say which."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class _Bearer(AuthBase):
    # An auth object, not a header: requests would let a netrc entry for the host replace the header.
    def __init__(self, credential: Secret) -> None:
        self._credential = credential

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._credential}"
        return request


class Channel:
    """Asks the endpoints of one capability. `on_retry` is told why and for how long it waits."""

    def __init__(
        self,
        url: str,
        capability: str,
        credential: Secret,
        on_retry: Callable[[str], None] = lambda message: None,
        sleep: Callable[[float], None] = time.sleep,
        delays_s: Sequence[float] | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(f"the source {url!r} is no http:// or https:// URL")
        if parts.username or parts.password:
            raise SourceError(
                "the source's URL holds a password; credentials go in CHASSIS_CREDENTIAL"
            )
        self._root = f"{url.rstrip('/')}/_chassis"
        self._capability = quote(capability, safe="")
        self._session = requests.Session()
        self._session.auth = _Bearer(credential)
        self._session.headers["Accept"] = "application/json"
        self._on_retry = on_retry
        self._sleep = sleep
        self._delays_s = RETRY_DELAYS_S if delays_s is None else delays_s

    def url(self, endpoint: str) -> str:
        return f"{self._root}/{endpoint}/{self._capability}"

    def get(self, endpoint: str, parameters: Sequence[tuple[str, str]]) -> Any:
        """The JSON that the endpoint answers.

        Raises SourceAwayError when there is none after all attempts, SourceRefusedError when it is an error, SourceError.
        """
        url = self.url(endpoint)
        for delay_s in (*self._delays_s, None):
            try:
                answer = self._session.get(
                    url,
                    params=parameters,
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                    allow_redirects=False,
                )
                if answer.status_code not in _RETRIED:
                    return _read(answer, url)
                mistake = f"it answers {answer.status_code}{_detail(answer)}"
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as error:
                mistake = f"{type(error).__name__}"
            except requests.RequestException as error:
                raise SourceError(f"{url} can't be asked: {type(error).__name__}") from error
            if delay_s is not None:
                self._on_retry(f"{url}: {mistake}; asking again in {delay_s:g} s")
                self._sleep(delay_s)
        attempts = len(self._delays_s) + 1
        times = f" after {attempts} attempts" if attempts > 1 else ""
        raise SourceAwayError(f"{url} can't be read{times}: {mistake.removesuffix('.')}")


def _read(answer: requests.Response, url: str) -> Any:
    if answer.status_code != HTTPStatus.OK:
        raise SourceRefusedError(
            f"{url} answers {answer.status_code}{_detail(answer)}{_hint(answer)}",
            answer.status_code,
            _member(answer, "code"),
        )
    try:
        return answer.json()
    except ValueError as error:
        raise not_a_source(url, error) from error


def not_a_source(url: str, error: Exception) -> SourceError:
    """What to raise when an answer does not have the form it should have."""
    return SourceError(
        f"{url} does not answer as a source ({error}). "
        "Is chassis.ownership installed there, in a version that fits this one?"
    )


def _detail(answer: requests.Response) -> str:
    detail = _member(answer, "detail")
    return f": {detail}" if detail else ""


def _member(answer: requests.Response, name: str) -> str:
    if "problem+json" not in answer.headers.get("Content-Type", ""):
        return ""
    try:
        return str(answer.json()[name])
    except (KeyError, TypeError, ValueError):
        return ""


def _hint(answer: requests.Response) -> str:
    if answer.is_redirect:
        return f" to {answer.headers['Location']}: give the address that answers itself"
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return " (this service's credential is CHASSIS_CREDENTIAL)"
    return ""
