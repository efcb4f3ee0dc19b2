"""Why a card was declined, in words for the shopper. A thief learns no more than that it was."""

from shopsmart.payments.gateway import INVALID, UNREACHABLE
from shopsmart.payments.models import Payment
from shopsmart.payments.states import PaymentState

DECLINED = "Your bank declined the card"
REASONS = {
    "card_declined": DECLINED,
    "expired_card": "The card has expired",
    "incorrect_cvc": "The security code is wrong",
    "insufficient_funds": "There is not enough money on the card",
    "not_a_test_card": "Only test cards are taken here",
    "not_confirmed": "You did not confirm the payment",
    INVALID: "The card was not understood",
    UNREACHABLE: "Our card gateway could not be reached",
}


def why_failed(payment: Payment) -> str:
    """Why nothing was charged, without a full stop; empty for a payment that did not fail."""
    if payment.state == PaymentState.CANCELLED:
        return "The payment was not completed in time"
    if payment.state != PaymentState.DECLINED:
        return ""
    return REASONS.get(payment.decline_code, DECLINED)
