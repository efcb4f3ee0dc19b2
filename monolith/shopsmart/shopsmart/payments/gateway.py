"""Asks the card gateway. What comes of it is a value; what can't be known is the value `Unknown`.

Nothing here is asked twice: who asks again does so with the same key, which the gateway charges
once. Each question has a connection of its own: a kept one may be closed by the other side just as
it is used, and nobody could tell whether the question arrived.
"""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import requests
from django.conf import settings
from urllib3.exceptions import NewConnectionError

from shopsmart.catalog.money import Money
from shopsmart.payments.cards import Card

logger = logging.getLogger(__name__)

UNREACHABLE = "gateway_unreachable"
INVALID = "invalid_request"
KEY_REUSED = "/problems/key-reused"
INVALID_PROBLEM = "/problems/invalid"
NOT_FOUND = "/problems/not-found"
UNKNOWN_CHARGE = "unknown_charge"


@dataclass(frozen=True, slots=True)
class Approved:
    """The card was charged."""

    gateway_id: str
    brand: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """The card was not charged; the gateway, the bank or the card holder said no."""

    code: str
    gateway_id: str = ""
    brand: str = ""


@dataclass(frozen=True, slots=True)
class NeedsConfirmation:
    """The card holder is asked at this URL, and nothing is charged before."""

    url: str
    gateway_id: str
    brand: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The key was not charged, and never will be."""

    gateway_id: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer that says what happened."""

    reason: str


@dataclass(frozen=True, slots=True)
class NeverAsked:
    """The gateway has no charge with this key; one may still be on its way."""


@dataclass(frozen=True, slots=True)
class Refunded:
    """The money is on its way back."""

    gateway_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was given back."""

    code: str
    gateway_id: str = ""


Outcome = Approved | Declined | NeedsConfirmation | Cancelled | Unknown
RefundOutcome = Refunded | Refused | Unknown


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back, already read: its status and its JSON object."""

    status: int
    body: dict[str, Any]


def ask_charge(*, key: UUID, money: Money, card: Card, reference: str, return_url: str) -> Outcome:
    """Charge the card, once for this key."""
    answer = _ask(
        "POST",
        "/charges",
        key=key,
        body={
            "amount": str(money.amount),
            "currency": money.currency,
            "card": {"number": card.number, "expiry": card.expiry, "cvc": card.cvc},
            "reference": reference,
            "return_url": return_url,
        },
    )
    match answer:
        case None:
            return Declined(UNREACHABLE)
        case Unknown():
            return answer
        case _Answer(status=200 | 201, body=charge):
            return _read_charge(charge, key, money)
        case _Answer(status=422, body={"type": problem}) if problem == INVALID_PROBLEM:
            return Declined(INVALID)
        case _Answer(status=422, body={"type": problem}) if problem == KEY_REUSED:
            # Charged, or declined, with another card or amount: what came of that is what counts.
            found = find_charge(key=key, money=money)
            return (
                Unknown("the key is taken and unknown") if isinstance(found, NeverAsked) else found
            )
        case _:
            return _unexpected(answer)


def find_charge(*, key: UUID, money: Money) -> Outcome | NeverAsked:
    """What came of the charge with this key."""
    answer = _ask("GET", f"/charges?key={key}")
    match answer:
        case None:
            return Unknown(UNREACHABLE)
        case Unknown():
            return answer
        case _Answer(status=200, body={"charges": []}):
            return NeverAsked()
        case _Answer(status=200, body={"charges": [dict() as charge]}):
            return _read_charge(charge, key, money)
        case _:
            return _unexpected(answer)


def cancel_charge(*, key: UUID, money: Money) -> Outcome:
    """Make sure that the key will not be charged from now on; what was charged before stays so."""
    answer = _ask("PUT", f"/cancellations/{key}")
    match answer:
        case None:
            return Unknown(UNREACHABLE)
        case Unknown():
            return answer
        case _Answer(status=200, body={"charge": None}):
            return Cancelled()
        case _Answer(status=200, body={"charge": dict() as charge}):
            return _read_charge(charge, key, money)
        case _:
            return _unexpected(answer)


def ask_refund(*, gateway_id: str, key: UUID, money: Money, reason: str) -> RefundOutcome:
    """Give money of a charge back, once for this key; asked again, it tells what came of it."""
    body = {"amount": str(money.amount), "reason": reason}
    answer = _ask("POST", f"/charges/{gateway_id}/refunds", key=key, body=body)
    match answer:
        case None:
            return Unknown(UNREACHABLE)
        case Unknown():
            return answer
        case _Answer(status=200 | 201, body={"id": made, "status": "done"}) if _word(made):
            return Refunded(_word(made))
        case _Answer(
            status=200 | 201, body={"id": made, "status": "refused", "refusal_code": code}
        ) if _word(code):
            return Refused(_word(code), _word(made))
        case _Answer(status=404, body={"type": problem}) if problem == NOT_FOUND:
            return Refused(UNKNOWN_CHARGE)
        case _:
            return _unexpected(answer)


def _read_charge(charge: dict[str, Any], key: UUID, money: Money) -> Outcome:
    told = (charge.get("key"), charge.get("amount"), charge.get("currency"))
    if told != (str(key), str(money.amount), money.currency):
        logger.error("the gateway told of another charge than that of key %s", key)
        return Unknown("the answer was about another charge")
    gateway_id, brand = _word(charge.get("id")), ""
    if isinstance(charge.get("card"), dict):
        brand = _word(charge["card"].get("brand"))[:20]
    match charge:
        case {"status": "approved"} if gateway_id:
            return Approved(gateway_id, brand)
        case {"status": "declined", "decline_code": code} if _word(code):
            return Declined(_word(code), gateway_id, brand)
        case {"status": "needs_confirmation", "confirmation_url": str() as url} if (
            url.startswith(("http://", "https://")) and len(url) <= 500
        ):
            return NeedsConfirmation(url, gateway_id, brand)
        case {"status": "cancelled"}:
            return Cancelled(gateway_id)
        case _:
            return Unknown("the answer can't be understood")


def _word(value: object) -> str:
    """An id or code as it can be kept; empty for anything else."""
    return value if isinstance(value, str) and len(value) <= 60 else ""


def _unexpected(answer: _Answer) -> Unknown:
    return Unknown(f"the gateway answered {answer.status}")


def _ask(
    method: str, path: str, *, key: UUID | None = None, body: dict[str, Any] | None = None
) -> _Answer | Unknown | None:
    """One request; None where no connection came about, so that the gateway heard nothing of it."""
    try:
        answer = requests.request(
            method,
            settings.CARD_GATEWAY_URL + path,
            json=body,
            headers={"Idempotency-Key": str(key)} if key else None,
            timeout=(settings.CARD_GATEWAY_CONNECT_TIMEOUT, settings.CARD_GATEWAY_READ_TIMEOUT),
            allow_redirects=False,
        )
        content = answer.json()
    except requests.ConnectTimeout:
        return None
    except requests.Timeout:
        return Unknown("no answer in time")
    except requests.ConnectionError as error:
        cause = error.args[0] if error.args else None
        if isinstance(getattr(cause, "reason", None), NewConnectionError):
            return None
        return Unknown("the connection broke")
    except Exception as error:
        # Whatever it is, the gateway may have charged the card by now. And no exception may leave
        # here: an error page would show the card in the local variables of what sent it. For the
        # same reason its kind alone is told, since the text of some holds what was sent.
        logger.error("asking the gateway failed: %s", type(error).__name__)
        return Unknown(f"no answer ({type(error).__name__})")
    if not isinstance(content, dict):
        return Unknown(f"the gateway answered {answer.status_code} with something else")
    return _Answer(answer.status_code, content)
