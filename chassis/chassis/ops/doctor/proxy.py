"""The proxy, asked by its admin API: what runs there, and where requests would go. Changes nothing.

The API is described in docs/architecture.md of the proxy's repository; nothing of the proxy is imported.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests

from chassis.environment import read_secret

API_VERSION = 1
# What the proxy takes at once: 500 requests in 64 KiB.
BATCH_REQUESTS = 500
BATCH_BYTES = 60_000
TIMEOUT_S = (3.0, 30.0)

Question = tuple[str, str]
"""Method and path; the path percent-encoded, as a client sends it."""


class ProxyError(Exception):
    """The proxy could not be asked. `is_usage`: what was given is wrong, rather than that nobody answers."""

    def __init__(self, what: str, mend: str, *, is_usage: bool = False) -> None:
        super().__init__(what)
        self.mend = mend
        self.is_usage = is_usage


class Answer(NamedTuple):
    """Where one request would go."""

    status: int | None
    """Of the answer that the proxy gives by itself; None when an upstream answers."""
    says: str
    """The last words of the explanation."""
    upstream: str | None
    capability: str | None
    route: str | None
    stage: str | None
    safe: bool
    reason: str


@dataclass(frozen=True)
class Running:
    """What runs there: its version and its fig.yaml."""

    version: str
    config: Mapping[str, Any]

    @property
    def listen(self) -> str:
        return str(self.config["listen"])

    @property
    def capabilities(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.config["capabilities"]
        return found


class Proxy:
    """A proxy that answered, and understands what it will be asked."""

    def __init__(self, url: str, token: str | None) -> None:
        """Raises ProxyError when nobody answers there, it is no proxy's admin address, or it wants another token."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ProxyError(
                f"{url!r} is no URL", "write it as http://127.0.0.1:8001", is_usage=True
            )
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment must not carry the token away
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        index = self._ask("GET", "/")
        if index.get("name") != "stranglerfig" or not isinstance(index.get("api"), int):
            raise self._stranger(is_older="/api/status" in json.dumps(index))
        if index["api"] > API_VERSION:
            raise ProxyError(
                f"the proxy at {self.url} (version {index.get('version')}) is newer than this chassis knows",
                "renew stranglerfig-chassis",
                is_usage=True,
            )
        found = self._ask("GET", "/api/config")
        self._generation = found["generation"]
        self.running = Running(str(index.get("version")), found["config"])

    def explain(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Answer]]:
        """Ask where each request would go; nothing is sent there. Raises ProxyError, also if a change came between."""
        for batch in _batches(questions):
            body = {"requests": [{"method": method, "path": path} for method, path in batch]}
            said = self._ask("POST", "/api/explain", body)
            if said["generation"] != self._generation:
                raise ProxyError("the proxy's fig.yaml changed while it was asked", "ask again")
            yield from zip(batch, map(_answer, said["explained"]), strict=True)

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        try:
            response = self._session.request(
                method, self.url + path, json=body, timeout=TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException as error:
            raise ProxyError(
                f"nobody answers at {self.url}: {_reason(error)}",
                "start it (fig serve), or give the address that fig.yaml calls admin",
            ) from error
        try:
            data = response.json()
        except ValueError:
            data = None
        if response.status_code == 401:
            raise ProxyError(
                f"the proxy at {self.url} does not take the token",
                "give its FIG_ADMIN_TOKEN (or FIG_ADMIN_TOKEN_FILE) to this command's environment",
                is_usage=True,
            )
        if response.ok and isinstance(data, dict):
            return data
        if isinstance(data, dict) and "mend" in data:
            problems = "; ".join(data.get("problems", ()))
            detail = f"{data.get('detail')}{': ' if problems else ''}{problems}"
            raise ProxyError(
                f"the proxy at {self.url} refuses: {detail}", str(data["mend"]), is_usage=True
            )
        raise self._stranger()

    def _stranger(self, *, is_older: bool = False) -> ProxyError:
        if is_older:
            return ProxyError(
                f"the proxy at {self.url} is older than this chassis, and can't explain requests",
                "renew stranglerfig and start fig serve again",
                is_usage=True,
            )
        return ProxyError(
            f"what answers at {self.url} is not the admin address of fig",
            "give the address that fig.yaml calls admin, not the one it calls listen",
            is_usage=True,
        )


def connect(url: str) -> Proxy:
    """The proxy at `url`, with the token of the environment."""
    return Proxy(url, read_secret("FIG_ADMIN_TOKEN"))


def _answer(said: Mapping[str, Any]) -> Answer:
    plan = said["plan"] or {}
    return Answer(
        status=said["status"],
        says=said["steps"][-1]["says"],
        upstream=plan.get("upstream"),
        capability=plan.get("capability"),
        route=plan.get("route"),
        stage=plan.get("stage"),
        safe=plan.get("safe", True),
        reason=plan.get("reason", ""),
    )


def _batches(questions: Iterable[Question]) -> Iterator[list[Question]]:
    batch: list[Question] = []
    size = 0
    for method, path in questions:
        # json writes what is not ASCII as \uXXXX, but a path is percent-encoded by now.
        own = len(path) + len(method) + 32
        if batch and (len(batch) == BATCH_REQUESTS or size + own > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((method, path))
        size += own
    if batch:
        yield batch


def _reason(error: requests.RequestException) -> str:
    """The last cause in plain words: requests wraps what happened three times."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return "no answer in time" if isinstance(error, requests.Timeout) else type(error).__name__
