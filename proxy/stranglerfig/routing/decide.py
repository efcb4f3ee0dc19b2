"""The decision: one request and one snapshot in, one plan out. Pure; the whole of "who answers" is in this file.

Unsafe requests go to the owner that ``writes`` names, whatever else is said. All others (and unsafe ones under
``writes: stage``) are decided by stage:

1. an abort sends them to the monolith, and nobody is asked too
2. a signed ``Fig-Force`` sends them where it says, as no evidence
3. in canary and service, reads of who wrote a moment ago stay with the side that took the write, as no evidence
4. in canary, ``lists``, then the user's bucket
5. in any other stage, the stage alone

Safe requests in shadow, and with ``compare`` in canary and service, are asked of the other side too, if the user's
session is in the sample.
"""

import re
from typing import Final, NamedTuple

from stranglerfig.config.model import Stage, Writes
from stranglerfig.config.pattern import SAFE_METHODS
from stranglerfig.routing.bucket import BUCKETS, bucket, fingerprint
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.plan import Plan, Reason, Side, Unit
from stranglerfig.routing.snapshot import Claim, Snapshot

USER_COOKIE: Final = "fig_user"
SESSION_COOKIE: Final = "sessionid"  # Django's default
SAMPLED_OUT: Final = "sampled_out"
FORCED: Final = "forced"
WROTE: Final = "wrote"
_USER: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)  # 16 random bytes in base64url


class User(NamedTuple):
    """Who the bucket is of: the text that is hashed, what it was taken from, the cookie to set."""

    unit: str
    kind: Unit
    minted: str | None = None


class _Choice(NamedTuple):
    """The side, the rule that chose it, and the user if it was looked at."""

    side: Side
    reason: Reason
    bucket: int | None = None
    user: User | None = None


def decide(facts: Facts, snapshot: Snapshot) -> Plan:
    """Who answers this request, who is asked too, and which cookie is set."""
    claim = snapshot.table.match(facts.method, facts.path)
    if claim is None:
        return (
            snapshot.unclaimed_safe if facts.method in SAFE_METHODS else snapshot.unclaimed_unsafe
        )
    safe = facts.method in SAFE_METHODS if claim.safe is None else claim.safe
    side, reason, number, user = _choose(facts, claim, safe)
    comparing = safe and _asks_both(claim)
    evidence = reason is not Reason.FORCED and reason is not Reason.WROTE
    skip = None
    if comparing and not evidence:
        # After a write the other side may lack it still: it would differ, and be right.
        skip = FORCED if reason is Reason.FORCED else WROTE
    elif comparing and not _is_sampled(facts, claim, user):
        skip = SAMPLED_OUT
    sampled = comparing and skip is None
    return Plan(
        generation=snapshot.generation,
        capability=claim.capability,
        route=claim.text,
        stage=claim.stage,
        side=side,
        upstream=claim.upstream_of(side),
        reason=reason,
        bucket=number,
        unit=user.kind if user else None,
        safe=safe,
        repeatable=safe or claim.route.retry,
        # Who forces a side wants to see it fail; who wrote to the service may not find that at the monolith.
        fallback=claim.fallback if safe and evidence and side is Side.SERVICE else None,
        other=claim.upstream_of(side.other) if sampled else None,
        sampled=sampled,
        skip=skip,
        set_cookie=user.minted if user else None,
        evidence=evidence,
        pin=None if safe else claim.pins.get(side),
    )


def _choose(facts: Facts, claim: Claim, safe: bool) -> _Choice:
    """The precedence: the first rule that says something."""
    if not safe and claim.writes is not Writes.STAGE:
        owner = Side.SERVICE if claim.writes is Writes.SERVICE else Side.MONOLITH
        return _Choice(owner, Reason.OWNER)
    if claim.aborted:
        return _Choice(Side.MONOLITH, Reason.ABORTED)
    if facts.forced and (forced := facts.forced.get(claim.capability)):
        return _Choice(forced, Reason.FORCED)
    if safe and facts.recent is not None and claim.window_s:
        own_write = facts.recent.last(claim)
        if own_write is not None and own_write.is_recent:
            return _Choice(own_write.side, Reason.WROTE)
    if claim.stage is not Stage.CANARY:
        return _Choice(
            Side.SERVICE if claim.stage is Stage.SERVICE else Side.MONOLITH, Reason.STAGE
        )
    user = identify(facts, claim)
    if user.unit in claim.deny:
        return _Choice(Side.MONOLITH, Reason.LISTED, user=user)
    if user.unit in claim.allow:
        return _Choice(Side.SERVICE, Reason.LISTED, user=user)
    number = bucket(claim.salt, user.unit)
    return _Choice(
        Side.SERVICE if number < claim.share else Side.MONOLITH, Reason.BUCKET, number, user
    )


def identify(facts: Facts, claim: Claim) -> User:
    """The user by what ``sticky`` says; a header that is missing leaves it to the cookie.

    A client that has no cookie but sends ``Authorization`` goes by that, for such clients seldom keep cookies; it is
    hashed, as a credential belongs in no plan. Any other client gets a cookie, in this same exchange.
    """
    sticky = claim.sticky
    if sticky.kind == "ip":
        return User(facts.address, Unit.IP)
    if sticky.header and (value := facts.headers.get(sticky.header, "").strip()):
        return User(value, Unit.HEADER)
    if known := _user_cookie(facts):
        return User(known, Unit.COOKIE)
    if credential := facts.headers.get("authorization"):
        return User(fingerprint(credential), Unit.AUTHORIZATION)
    minted = facts.mint()
    return User(minted, Unit.MINTED, minted)


def _user_cookie(facts: Facts) -> str | None:
    value = facts.cookie(USER_COOKIE)
    return value if value and _USER.fullmatch(value) else None


def _asks_both(claim: Claim) -> bool:
    """Whether safe requests of this route are asked of both sides."""
    if claim.stage is Stage.MONOLITH:
        return False
    return claim.compare or claim.stage is Stage.SHADOW


def _is_sampled(facts: Facts, claim: Claim, user: User | None) -> bool:
    """Whether this user's session is in the sample: whole sessions are, so that one can be followed."""
    if claim.sample_share in (0, BUCKETS):
        return claim.sample_share == BUCKETS
    unit = (
        (user.minted if user else None)
        or _user_cookie(facts)
        or facts.cookie(SESSION_COOKIE)
        or facts.headers.get("authorization")
        or facts.address
    )
    return bucket(claim.sample_salt, unit) < claim.sample_share
