"""From a request's head to its plan: what routing may look at, and who is believed about it."""

from collections.abc import Callable, Iterator, Mapping

from stranglerfig.http1.headers import Header
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.routing.decide import decide
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.plan import Plan, Side
from stranglerfig.routing.recent import RecentWrites
from stranglerfig.routing.snapshot import Snapshot
from stranglerfig.server.runtime import new_user
from stranglerfig.signing import Refusal, verify
from stranglerfig.signing.force import read_force

_NOTHING: Mapping[str, Side] = {}


class HeaderView(Mapping[str, str]):
    """A request's headers by lower-case name, looked up when asked: most plans need none of them.

    Read as UTF-8, as fig.yaml and ``fig explain`` are, so that a user has one name in all of them; bytes that are not
    UTF-8 are kept apart by surrogates.
    """

    __slots__ = ("_head",)

    def __init__(self, head: RequestHead) -> None:
        self._head = head

    def __getitem__(self, name: str) -> str:
        """Give the first value; of ``cookie`` all, joined by ``"; "``."""
        head = self._head
        if name == "cookie":
            if head.cookies:
                return b"; ".join(head.cookies).decode("utf-8", "surrogateescape")
            raise KeyError(name)
        wanted = name.encode("latin-1")
        for key, value in head.kept:
            if len(key) == len(wanted) and key.lower() == wanted:
                return value.decode("utf-8", "surrogateescape")
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        names = dict.fromkeys(name.lower().decode("latin-1") for name, _ in self._head.kept)
        if self._head.cookies:
            names["cookie"] = None
        return iter(names)

    def __len__(self) -> int:
        """Count the names."""
        return sum(1 for _ in self)


def make_plan(
    head: RequestHead,
    path: str,
    address: str,
    snapshot: Snapshot,
    forced: Mapping[str, Side],
    recent: RecentWrites | None = None,
    mint: Callable[[], str] = new_user,
) -> Plan:
    """Decide who answers ``head`` of the client at ``address``; ``path`` is its ``wsgi_path``, ``mint`` makes a user."""
    facts = Facts(
        head.method,
        path,
        HeaderView(head),
        address,
        mint,
        forced=forced,
        recent=recent,
    )
    return decide(facts, snapshot)


def verify_force(head: RequestHead, key: bytes | None, now: float) -> Mapping[str, Side] | None:
    """Read ``Fig-Force``: sides by capability; None if it is not to be believed. ``now`` is unix seconds."""
    if head.force is None:
        return _NOTHING
    payload = _verify("Fig-Force", head.force, key, now)
    if payload is None:
        return None
    forced = read_force(payload)
    return None if forced is None else {name: Side(side) for name, side in forced.items()}


def verify_debug(head: RequestHead, key: bytes | None, now: float) -> bool | None:
    """Read ``Fig-Debug``: whether the plan may be shown; None if it is not to be believed."""
    if head.debug is None:
        return False
    return True if _verify("Fig-Debug", head.debug, key, now) == "plan" else None


def _verify(name: str, value: bytes, key: bytes | None, now: float) -> str | None:
    if not key:
        return None
    payload = verify(name, value.decode("latin-1"), key, now)
    return None if isinstance(payload, Refusal) else payload


def plan_header(plan: Plan, fell_back: str | None = None) -> Header:
    """Write ``Fig-Plan``: who answers, by which rule of which table.

    ``fell_back``: how the plan's side failed, so that the other side was asked.
    """
    said = {
        "generation": str(plan.generation),
        "capability": plan.capability or "-",
        "stage": plan.stage.value if plan.stage is not None else "-",
        "side": plan.side.value,
        "upstream": plan.upstream or "-",
        "reason": plan.reason.value,
    }
    if plan.bucket is not None:
        said["bucket"] = str(plan.bucket)
    if fell_back is not None:
        said |= {"fallback": plan.fallback or "-", "failed": fell_back}
    text = "; ".join(f"{key}={value}" for key, value in said.items())
    if plan.route is not None:
        text += f'; route="{plan.route}"'
    return b"Fig-Plan", text.encode("utf-8")
