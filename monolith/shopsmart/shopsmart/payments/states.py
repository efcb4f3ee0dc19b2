"""The ways a payment and a refund can go, all of them, in two tables."""

from django.db.models import TextChoices


class PaymentState(TextChoices):
    """Where a payment stands; approved, declined and cancelled are final."""

    PENDING = "pending", "pending"  # the gateway has not answered yet, or was not asked
    NEEDS_CONFIRMATION = "needs_confirmation", "needs confirmation"  # by the card holder
    UNKNOWN = "unknown", "unknown"  # asked, and no answer: it may be charged or not
    APPROVED = "approved", "approved"
    DECLINED = "declined", "declined"
    CANCELLED = "cancelled", "cancelled"  # never charged, and never will be


class RefundState(TextChoices):
    """Where a refund stands; done and refused are final."""

    PENDING = "pending", "pending"
    UNKNOWN = "unknown", "unknown"
    DONE = "done", "done"
    REFUSED = "refused", "refused"


UNSETTLED = frozenset({PaymentState.PENDING, PaymentState.NEEDS_CONFIRMATION, PaymentState.UNKNOWN})
# A payment in one of these has the money or may come to have it. An order has one of them at most.
LIVE = UNSETTLED | {PaymentState.APPROVED}
REFUND_UNSETTLED = frozenset({RefundState.PENDING, RefundState.UNKNOWN})

_FINAL = frozenset({PaymentState.APPROVED, PaymentState.DECLINED, PaymentState.CANCELLED})
TRANSITIONS: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.PENDING: _FINAL | {PaymentState.NEEDS_CONFIRMATION, PaymentState.UNKNOWN},
    PaymentState.UNKNOWN: _FINAL | {PaymentState.NEEDS_CONFIRMATION},
    PaymentState.NEEDS_CONFIRMATION: _FINAL,
    PaymentState.APPROVED: frozenset(),
    PaymentState.DECLINED: frozenset(),
    PaymentState.CANCELLED: frozenset(),
}
REFUND_TRANSITIONS: dict[RefundState, frozenset[RefundState]] = {
    RefundState.PENDING: frozenset({RefundState.DONE, RefundState.REFUSED, RefundState.UNKNOWN}),
    RefundState.UNKNOWN: frozenset({RefundState.DONE, RefundState.REFUSED}),
    RefundState.DONE: frozenset(),
    RefundState.REFUSED: frozenset(),
}


def may_become(state: str, to: PaymentState) -> bool:
    """Whether a payment in `state` may go to `to` next."""
    return to in TRANSITIONS[PaymentState(state)]


def refund_may_become(state: str, to: RefundState) -> bool:
    """Whether a refund in `state` may go to `to` next."""
    return to in REFUND_TRANSITIONS[RefundState(state)]
