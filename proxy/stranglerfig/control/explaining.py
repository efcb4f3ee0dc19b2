"""``POST /api/explain``: where requests would go by what runs, in the words of ``fig explain``. Sends nothing.

Without cookies and from loopback each of them is a user of its own: in canary ``side`` is one throw of the share, and
who wants to know both sides reads ``stage``.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from stranglerfig.config.pattern import KNOWN_METHODS
from stranglerfig.control.running import Running
from stranglerfig.routing.explanation import explain_request, target_of
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.path import wsgi_path
from stranglerfig.routing.snapshot import Snapshot, compile_snapshot
from stranglerfig.server.runtime import new_user

# A batch is the work of some milliseconds, and its body seldom more than the guard lets in.
MAX_REQUESTS: Final = 500
_ADDRESS: Final = "127.0.0.1"


def _check_method(method: str) -> str:
    if method not in KNOWN_METHODS:
        raise ValueError(f"{method!r} is no method that the proxy passes on: write GET, POST, …")
    return method


def _check_path(path: str) -> str:
    target_of(path)
    return path


class AskedRequest(BaseModel):
    """One request to explain."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Annotated[str, StringConstraints(to_upper=True), AfterValidator(_check_method)]
    path: Annotated[str, AfterValidator(_check_path)]


class ExplainBody(BaseModel):
    """``POST /api/explain``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests: tuple[AskedRequest, ...] = Field(min_length=1, max_length=MAX_REQUESTS)


def explain_all(body: ExplainBody, running: Running) -> dict[str, Any]:
    """Explain every request of ``body`` by one snapshot of what runs."""
    snapshot = compile_snapshot(running.config, running.overrides, running.generation)
    return {
        "generation": running.generation,
        "explained": [_explain(request, snapshot) for request in body.requests],
    }


def _explain(request: AskedRequest, snapshot: Snapshot) -> dict[str, Any]:
    target = target_of(request.path)
    facts = Facts(request.method, wsgi_path(target), {}, _ADDRESS, new_user)
    return explain_request(target, facts, snapshot).to_dict(request.method, target)
