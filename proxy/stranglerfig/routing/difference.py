"""What a new config changes: which requests would go where, before and after. For ``fig check``.

Each route of both configs is tried with one request that only it and less specific routes match, so that a route that
is added, removed or carved out of another shows what becomes of its requests. Which keys differ, ``config/changed.py`` says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from stranglerfig.config.model import Capability, Stage, Writes
from stranglerfig.config.pattern import KNOWN_METHODS, SAFE_METHODS, Pattern
from stranglerfig.routing.snapshot import Claim, Snapshot

# A route for any method is tried with these: others differ from them in nothing that routing looks at.
_COMMON: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_USUAL_WINDOW_S: Final[float] = Capability.model_fields["read_your_writes_s"].default


@dataclass(frozen=True, slots=True)
class Change:
    """Requests that would go elsewhere."""

    requests: str
    """``METHODS PATH`` as in a route, or ``everything else``."""
    before: str
    after: str

    def to_dict(self) -> dict[str, Any]:
        """The change for ``--json``."""
        return asdict(self)


def routing_difference(old: Snapshot, new: Snapshot) -> list[Change]:
    """Every change, in the order of the new file, then of what only the old one has."""
    patterns: dict[str, tuple[Pattern, set[str]]] = {}
    for claim in (*new.table.claims, *old.table.claims):
        route = claim.route
        _, methods = patterns.setdefault(route.pattern, (route.parsed, set()))
        methods |= set(_COMMON) if route.methods is None else route.methods - {"HEAD", "OPTIONS"}
    changes = [
        Change(f"{_list(methods, tried)} {pattern.text}", before, after)
        for pattern, tried in patterns.values()
        for (before, after), methods in _moved(old, new, pattern, tried).items()
    ]
    before, after = _unclaimed(old), _unclaimed(new)
    if before != after:
        changes.append(Change("everything else", before, after))
    return changes


def _moved(
    old: Snapshot, new: Snapshot, pattern: Pattern, methods: Iterable[str]
) -> Mapping[tuple[str, str], list[str]]:
    """The methods whose requests go elsewhere, by where they went and go."""
    path = "/" + "/".join(pattern.witness())
    moved: dict[tuple[str, str], list[str]] = {}
    for method in sorted(methods, key=KNOWN_METHODS.index):
        before, after = _destination(old, method, path), _destination(new, method, path)
        if before != after:
            moved.setdefault((before, after), []).append(method)
    return moved


def _list(methods: list[str], tried: set[str]) -> str:
    return "*" if set(methods) == tried >= set(_COMMON) else ",".join(methods)


def _destination(snapshot: Snapshot, method: str, path: str) -> str:
    claim = snapshot.table.match(method, path)
    if claim is None:
        return _unclaimed(snapshot)
    control, candidate = _name(snapshot, claim.control), _name(snapshot, claim.candidate)
    text = _decided(claim, method, control, candidate)
    return f"{claim.capability}: {text}"


def _decided(claim: Claim, method: str, control: str, candidate: str) -> str:
    safe = method in SAFE_METHODS if claim.safe is None else claim.safe
    if not safe and claim.writes is not Writes.STAGE:
        return f"{candidate if claim.writes is Writes.SERVICE else control} (owner of the writes)"
    if claim.aborted:
        return f"{control} (aborted)"
    asked_too = safe and claim.sample_share > 0 and (claim.compare or claim.stage is Stage.SHADOW)
    sample = "" if claim.sample_share == 10_000 else f", {_percent(claim.sample_share)} of sessions"
    match claim.stage:
        case Stage.MONOLITH:
            return control
        case Stage.SHADOW:
            return f"{control}; {candidate} is shadowed{sample}" if asked_too else control
        case Stage.CANARY:
            text = (
                f"{candidate} for {_percent(claim.share)}, {control} for the rest ({_users(claim)})"
            )
        case Stage.SERVICE:
            text = candidate
    text += _own_writes(claim) if safe else ""
    return f"{text}; compared{sample}" if asked_too else text


def _own_writes(claim: Claim) -> str:
    """How long reads follow a user's writes, where that is not as usual."""
    if claim.window_s == _USUAL_WINDOW_S:
        return ""
    return (
        f"; own writes followed for {claim.window_s:g} s"
        if claim.window_s
        else "; own writes not followed"
    )


def _users(claim: Claim) -> str:
    """How users are told apart in canary: what changes it assigns them anew."""
    text = f"journey {claim.salt}, by {claim.sticky}"
    if claim.allow or claim.deny:
        text += f", allow {len(claim.allow)}, deny {len(claim.deny)}"
    return text


def _percent(share: int) -> str:
    return f"{share / 100:g} %"


def _unclaimed(snapshot: Snapshot) -> str:
    name = snapshot.config.fallthrough
    return "nobody (404)" if name is None else f"{_name(snapshot, name)} (unclaimed)"


def _name(snapshot: Snapshot, name: str | None) -> str:
    upstream = snapshot.config.upstreams.get(name or "")
    if upstream is None:
        return str(name)
    return f"{name} at {', '.join(each.authority for each in upstream.endpoints)}"
