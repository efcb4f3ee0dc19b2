"""The test cards: which number makes the gateway do what. The README shows this table, and a test compares the two.

Nobody's real card is among them, and a number that is not here is declined: a card that somebody types in by mistake is
neither charged nor kept.
"""

from dataclasses import dataclass
from enum import StrEnum

NOT_A_TEST_CARD = "not_a_test_card"


class Answer(StrEnum):
    """How a request is answered, once the ledger holds its outcome."""

    PROMPT = "prompt"
    LATE = "late"  # so long afterwards that nobody waits any more
    BROKEN = "broken"  # 500, though all went well
    NEVER = "never"  # not at all, and nothing is done either


@dataclass(frozen=True, slots=True)
class Card:
    """What happens to charges of one number, and to refunds of those."""

    number: str
    brand: str
    about: str  # as the README says it
    decline_code: str = ""
    needs_confirmation: bool = False
    answer: Answer = Answer.PROMPT
    refusal_code: str = ""  # of refunds
    refund_answer: Answer = Answer.PROMPT


CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242", "visa", "approved"),
        Card("5555555555554444", "mastercard", "approved"),
        Card("378282246310005", "amex", "approved"),
        Card("4000000000000002", "visa", "declined", "card_declined"),
        Card("4000000000009995", "visa", "declined", "insufficient_funds"),
        Card("4000000000000069", "visa", "declined", "expired_card"),
        Card("4000000000000127", "visa", "declined", "incorrect_cvc"),
        Card("4000000000009979", "visa", "declined", "stolen_card"),
        Card("4000000000003220", "visa", "needs confirmation", needs_confirmation=True),
        Card(
            "4000008400001629",
            "visa",
            "needs confirmation, then declined",
            "insufficient_funds",
            needs_confirmation=True,
        ),
        Card("4000000000006975", "visa", "approved, answered too late", answer=Answer.LATE),
        Card("4000000000000119", "visa", "approved, answered by a 500", answer=Answer.BROKEN),
        Card("4000000000000341", "visa", "never charged, never answered", answer=Answer.NEVER),
        Card(
            "4000000000005126",
            "visa",
            "approved; refunds refused",
            refusal_code="card_closed",
        ),
        Card(
            "4000000000007726",
            "visa",
            "approved; refunds done, answered by a 500",
            refund_answer=Answer.BROKEN,
        ),
    )
}


def brand_of(number: str) -> str:
    """The brand whose numbers begin like this one; `card` where no brand of ours does."""
    if number.startswith("4"):
        return "visa"
    if number.startswith(("34", "37")):
        return "amex"
    if number[:2] in ("51", "52", "53", "54", "55"):
        return "mastercard"
    return "card"


def passes_luhn(number: str) -> bool:
    """Whether the check digit fits, as it does unless a digit was mistyped."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
