"""Who may call the internal endpoints, for which capabilities, and for what.

Declared in `CHASSIS["CALLERS"]`: each caller has a credential of its own, so that one can be withdrawn alone and the
log says who called. A caller without a credential (its variable is not set here) is declared but can't call.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from chassis.declaration import section
from chassis.problem import ProblemError

DATA, STATUS = RIGHTS = ("data", "status")
"""The rights: to read rows and changes; to ask how far others have read them."""

# 128 bits written in base64 are 22 characters; shorter ones are words somebody chose.
MIN_CREDENTIAL_LENGTH = 20


@dataclass(frozen=True)
class Caller:
    name: str
    capabilities: frozenset[str]
    rights: frozenset[str]
    digest: bytes | None = field(repr=False)
    """SHA-256 of the credential; None when the caller has none yet."""


@sensitive_variables()
def declared_callers() -> Mapping[str, Caller]:
    """CHASSIS["CALLERS"], checked. Raises ImproperlyConfigured."""
    written, top = section("CALLERS")
    callers: dict[str, Caller] = {}
    for name, value in written.items():
        place = top[name]
        entry = place.mapping(value, known=("credential", "capabilities", "rights"))
        credential, digest = entry.get("credential"), None
        if credential is not None:
            credential = place["credential"].text_value(credential)
            if len(credential) < MIN_CREDENTIAL_LENGTH or not _is_token(credential):
                place["credential"].refuse(
                    f"must be at least {MIN_CREDENTIAL_LENGTH} visible ASCII characters; "
                    "`python -c 'import secrets; print(secrets.token_urlsafe(32))'` makes one"
                )
            digest = _digest(credential)
            if any(other.digest == digest for other in callers.values()):
                place["credential"].refuse("is another caller's too: each caller has its own")
        capabilities = place["capabilities"].names(entry.get("capabilities", ()))
        rights = place["rights"].names(entry.get("rights", (DATA,)))
        if unknown := sorted(set(rights) - set(RIGHTS)):
            place["rights"].refuse(f"knows {' and '.join(RIGHTS)}, not {unknown[0]}")
        callers[name] = Caller(name, frozenset(capabilities), frozenset(rights), digest)
    return callers


@sensitive_variables()
def authorize(request: HttpRequest, capability: str, right: str) -> Caller:
    """The caller whose credential the request bears.

    Raises ProblemError 401 when there is none that is known, 403 when its caller lacks this right to `capability`.
    """
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    given = _digest(credential.strip())
    # Every caller is compared, in constant time each, so that the time tells neither who exists nor how much matched.
    matches = [
        caller
        for caller in declared_callers().values()
        if caller.digest is not None and hmac.compare_digest(caller.digest, given)
    ]
    if scheme.lower() != "bearer" or not matches:
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            "credential_unknown",
            "Send Authorization: Bearer with the credential of a declared caller.",
        )
    caller = matches[0]
    if capability not in caller.capabilities:
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            "capability_not_granted",
            f"{caller.name} may not read the capability {capability}: CHASSIS CALLERS grants it.",
        )
    if right not in caller.rights:
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            "right_not_granted",
            f'{caller.name} has not the right "{right}": CHASSIS CALLERS grants it.',
        )
    return caller


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode("utf-8", "surrogateescape")).digest()


def _is_token(credential: str) -> bool:
    return all("!" <= character <= "~" for character in credential)
