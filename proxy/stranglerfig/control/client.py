"""How commands speak to the supervisor that runs on a ``state_dir``, if one does."""

from pathlib import Path
from typing import Any

import requests

from stranglerfig.control.environment import secret
from stranglerfig.control.lock import is_alive, is_locked, read_serve

_TIMEOUT_S = 5.0
_CHANGE_TIMEOUT_S = 60.0  # a change waits for every worker, also for one that must be replaced


class AdminError(Exception):
    """The supervisor refused, or can't be reached; ``mend`` says what to do."""

    def __init__(
        self, message: str, mend: str = "", *, status: int = 0, problems: list[str] | None = None
    ) -> None:
        super().__init__(message)
        self.mend = mend
        self.status = status
        self.problems = problems or []


def running(state_dir: Path) -> "AdminClient | None":
    """Find the supervisor that runs on ``state_dir``: it said who it is, it lives, and it holds the lock."""
    facts = read_serve(state_dir)
    if facts is None:
        return None
    pid, address = facts.get("pid"), facts.get("admin")
    if not isinstance(pid, int) or not isinstance(address, str):
        return None
    if not is_alive(pid) or not is_locked(state_dir):
        return None
    host, _, port = address.rpartition(":")
    # A server on every address is reached on this machine by loopback.
    reachable = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    return AdminClient(f"http://{reachable}:{port}", secret("FIG_ADMIN_TOKEN"))


class AdminClient:
    """Calls one admin server. Every method raises ``AdminError``."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment must not carry the token away
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def status(self) -> dict[str, Any]:
        """What runs."""
        return self._call("GET", "/api/status")

    def config(self) -> dict[str, Any]:
        """The running config, with generation and digest."""
        return self._call("GET", "/api/config")

    def live(self, capability: str) -> dict[str, Any]:
        """What stands behind explanations now; ``-`` for what no capability claims."""
        return self._call("GET", f"/api/live/{capability}")

    def set(
        self, capability: str, stage: str, percent: float | None, *, who: str, why: str
    ) -> dict[str, Any]:
        """Change a stage; returns when every worker runs it."""
        body: dict[str, Any] = {"capability": capability, "stage": stage, "who": who, "why": why}
        if percent is not None:
            body["percent"] = percent
        return self._call("POST", "/api/set", body)

    def abort(self, capability: str, *, who: str, why: str) -> dict[str, Any]:
        """Send a capability back to the monolith."""
        return self._call("POST", "/api/abort", {"capability": capability, "who": who, "why": why})

    def diffs(self, capability: str | None = None) -> list[dict[str, Any]]:
        """The clusters of differences."""
        query = {"capability": capability} if capability else None
        clusters: list[dict[str, Any]] = self._call("GET", "/api/diffs", query=query)["clusters"]
        return clusters

    def diff(self, number: int) -> dict[str, Any]:
        """One cluster with its examples."""
        return self._call("GET", f"/api/diffs/{number}")

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        timeout_s = _TIMEOUT_S if method == "GET" else _CHANGE_TIMEOUT_S
        try:
            response = self._session.request(
                method, self.url + path, json=body, params=query, timeout=timeout_s
            )
            data = response.json()
        except (requests.RequestException, ValueError) as error:
            raise AdminError(
                f"the supervisor at {self.url} gives no answer: {error}",
                "see the log of fig serve",
            ) from error
        if response.ok and isinstance(data, dict):
            return data
        problem = data if isinstance(data, dict) else {}
        raise AdminError(
            str(problem.get("detail", f"HTTP {response.status_code}")),
            str(problem.get("mend", "")),
            status=response.status_code,
            problems=[str(item) for item in problem.get("problems", [])],
        )
