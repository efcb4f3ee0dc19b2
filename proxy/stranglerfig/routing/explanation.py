"""Why a request goes where it goes, step by step, in words. For ``fig explain`` and ``POST /api/explain``; the decision
itself is ``decide``."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from stranglerfig.config.model import Capability, Stage, Writes
from stranglerfig.routing.decide import SAMPLED_OUT, USER_COOKIE, decide
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.path import check_path, is_internal, wsgi_path
from stranglerfig.routing.plan import Plan, Reason, Side, Unit
from stranglerfig.routing.snapshot import Claim, Snapshot

_BEATEN_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at, and what it said."""

    about: str
    says: str

    def to_dict(self) -> dict[str, Any]:
        """The step for ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps, and the plan they lead to; None if the proxy answers by itself with ``status``."""

    steps: tuple[Step, ...]
    plan: Plan | None
    status: int | None = None

    def to_dict(self, method: str, target: bytes) -> dict[str, Any]:
        """The explanation of a request for ``target``, as JSON has it."""
        return {
            "method": method,
            "target": target.decode(),
            "path": wsgi_path(target),
            "status": self.status,
            "steps": [step.to_dict() for step in self.steps],
            "plan": self.plan._asdict() if self.plan else None,
        }


def target_of(text: str) -> bytes:
    """The request target that a browser would send for ``text``, a path or a whole URL.

    Raises ``ValueError`` if it is neither.
    """
    if "://" in text.partition("?")[0]:
        parts = urlsplit(text)
        text = parts.path or "/"
        text += f"?{parts.query}" if parts.query else ""
    if not text.startswith("/") and text != "*":
        raise ValueError(f"path {text!r} does not begin with a slash")
    # What is written with care (%, reserved signs) stays; only what cannot be sent as it is gets encoded.
    return quote(text, safe="%/:=&?~#+!$,;'@()*[]{}|^`\\\"<>", errors="surrogateescape").encode()


def explain_request(target: bytes, facts: Facts, snapshot: Snapshot) -> Explanation:
    """Explain the request for ``target``; ``facts.path`` is ``wsgi_path(target)``."""
    path = wsgi_path(target)
    steps = [Step("path", f"Django reads {path!r}")]
    passes = snapshot.config.dot_segments == "pass"
    if refusal := check_path(target, path, allow_dot_segments=passes):
        steps.append(Step("answer", f"400 from the proxy: {refusal}"))
        return Explanation(tuple(steps), None, 400)
    if is_internal(path):
        steps.append(
            Step("answer", "404 from the proxy: /_chassis is never reachable from outside")
        )
        return Explanation(tuple(steps), None, 404)
    plan = decide(facts, snapshot)
    claim = snapshot.table.match(facts.method, path)
    if claim is None:
        steps.append(Step("route", "no route claims it"))
        nobody = "404 from the proxy: fallthrough is none"
        steps.append(Step("answer", f"from {plan.upstream}" if plan.upstream else nobody))
        if plan.pin is not None:
            steps.append(
                Step(
                    "then",
                    f"this user's reads stay with {plan.upstream} for a while, wherever it is one of the sides",
                )
            )
        return Explanation(tuple(steps), plan, None if plan.upstream else 404)
    steps += _steps(facts, snapshot, claim, plan)
    return Explanation(tuple(steps), plan)


def _steps(facts: Facts, snapshot: Snapshot, claim: Claim, plan: Plan) -> Iterator[Step]:
    yield Step("route", f"{claim.text} of capability {claim.capability}")
    beaten = [
        other for other in snapshot.table.matches(facts.method, facts.path) if other is not claim
    ]
    for other in beaten[:_BEATEN_SHOWN]:
        # OPTIONS is claimed by every route on the same path, whatever its methods.
        is_tie = other.route.parsed.kinds == claim.route.parsed.kinds
        why = "which is for other methods" if is_tie else "which is less specific"
        yield Step("beats", f"{other.text} of capability {other.capability}, {why}")
    if len(beaten) > _BEATEN_SHOWN:
        yield Step("beats", f"{len(beaten) - _BEATEN_SHOWN} more")
    yield _method(facts, claim, plan)
    yield _stage(snapshot, claim)
    if plan.reason is not Reason.OWNER:
        yield from _precedence(facts, claim, plan)
    yield Step("answer", f"from {plan.upstream}, the {plan.side} side")
    if plan.pin is not None:
        yield Step(
            "then",
            f"this user's reads of journey {claim.salt} stay with the {plan.side} for a while",
        )
    capability = snapshot.config.capabilities[claim.capability]
    if plan.side is Side.SERVICE or capability.fallback != "none":
        yield Step("fallback", _fallback(capability, plan))
    yield _asked_too(claim, plan)


def _fallback(capability: Capability, plan: Plan) -> str:
    """Whether the monolith answers when the service does not, and why not."""
    if plan.fallback is not None:
        return f"{plan.fallback}, asked once if {plan.upstream} gives no answer, 502, 503 or 504"
    if capability.fallback == "none":
        return "none: fallback is none"
    if plan.side is Side.MONOLITH:
        return "none: it is for the service's answers"
    if not plan.safe:
        return "none: unsafe requests have none"
    if not capability.falls_back:
        return "none: with writes: service the monolith lacks what the service was given"
    if plan.reason is Reason.FORCED:
        return "none: who forces a side gets what it answers"
    return "none: the monolith may lack what this user wrote"


def _method(facts: Facts, claim: Claim, plan: Plan) -> Step:
    kind = "safe" if plan.safe else "unsafe"
    source = "the route says" if claim.safe is not None else f"{facts.method} is"
    text = f"{source} {kind}"
    if plan.safe:
        return Step("method", f"{text}: the stage decides")
    match claim.writes:
        case Writes.STAGE:
            return Step("method", f"{text}; writes: stage, so the stage decides")
        case owner:
            return Step(
                "method", f"{text}; writes: {owner}, so the {owner} answers whatever the stage is"
            )


def _stage(snapshot: Snapshot, claim: Claim) -> Step:
    capability = snapshot.config.capabilities[claim.capability]
    if claim.aborted:
        override = snapshot.overrides[claim.capability]
        return Step(
            "stage",
            f"monolith, for {override.who} aborted {claim.capability} ({override.why}); "
            f"the file says {capability.stage}",
        )
    limit = claim.route.stage
    if limit is None:
        return Step("stage", f"{claim.stage}")
    return Step("stage", f"{claim.stage}: the lower of {capability.stage} and the route's {limit}")


def _precedence(facts: Facts, claim: Claim, plan: Plan) -> Iterator[Step]:
    if plan.reason is Reason.ABORTED:
        yield Step("abort", "is in force, and comes before all else")
        return
    yield Step("abort", "none")
    if plan.reason is Reason.FORCED:
        yield Step("Fig-Force", f"sends it to the {plan.side}, as no evidence")
        return
    yield Step("Fig-Force", "none")
    if plan.safe and claim.stage.rank >= Stage.CANARY.rank:
        yield Step("wrote", _own_writes(facts, claim))
    if plan.reason is Reason.WROTE:
        return
    if claim.stage is not Stage.CANARY:
        yield Step("side", f"{plan.side}: in stage {claim.stage} for every user")
        return
    yield Step("user", _user(facts, claim, plan))
    if plan.reason is Reason.LISTED:
        name = "allow" if plan.side is Side.SERVICE else "deny"
        yield Step("lists", f"the user is in {name}")
        return
    yield Step("lists", "the user is in none")
    assert plan.bucket is not None
    relation = "below" if plan.bucket < claim.share else "not below"
    yield Step(
        "bucket",
        f"{plan.bucket} of 10000 in journey {claim.salt}, {relation} {claim.share} "
        f"({claim.share / 100:g} percent): {plan.side}",
    )


def _own_writes(facts: Facts, claim: Claim) -> str:
    if not claim.window_s:
        return "not looked at: read_your_writes is off"
    own = facts.recent.last(claim) if facts.recent is not None else None
    if own is None:
        return (
            f"no write is known; after one, reads stay with the side that took it for {claim.window_s:g} s, "
            "or for the measured lag (--wrote 1s supposes one)"
        )
    taken = f"{own.age_s:.3g} s ago, taken by the {own.side}"
    if own.is_recent:
        return f"{taken}: it stays there, as no evidence (for {own.window_s:.3g} s)"
    return f"{taken}: after {own.window_s:.3g} s it says nothing any more"


def _user(facts: Facts, claim: Claim, plan: Plan) -> str:
    match plan.unit:
        case Unit.IP:
            return f"recognised by the address {facts.address}"
        case Unit.HEADER:
            return f"recognised by the header {claim.sticky.header}"
        case Unit.COOKIE:
            return f"recognised by the cookie {USER_COOKIE}"
        case Unit.AUTHORIZATION:
            return f"recognised by a hash of Authorization, for there is no {USER_COOKIE}"
        case _:
            sent = facts.cookie(USER_COOKIE)
            known = f"{sent!r} is no value of {USER_COOKIE}, so the user is new" if sent else "new"
            return f"{known}: gets {USER_COOKIE}={plan.set_cookie}, another one each time it comes without"


def _asked_too(claim: Claim, plan: Plan) -> Step:
    if plan.other is not None:
        why = "shadow" if claim.stage is Stage.SHADOW else "compare"
        return Step("asked too", f"{plan.other} ({why}), never awaited; the answers are compared")
    if plan.skip == SAMPLED_OUT:
        return Step(
            "asked too",
            f"nobody: this session is not in the sample of {claim.sample_share / 100:g} percent",
        )
    if plan.reason is Reason.WROTE and plan.skip is not None:
        return Step("asked too", "nobody: the other side may lack what was written")
    if plan.skip is not None:
        return Step("asked too", "nobody: forced requests are no evidence")
    if not plan.safe:
        return Step("asked too", "nobody: unsafe requests are not")
    if claim.stage is Stage.MONOLITH:
        return Step("asked too", "nobody in stage monolith")
    return Step("asked too", "nobody: compare is false")
