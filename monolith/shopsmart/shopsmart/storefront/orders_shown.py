"""An order in a shopper's words: where it stands, how it went, what it costs, where it goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shopsmart.accounts.models import Address
from shopsmart.catalog.money import Money
from shopsmart.orders.models import Order
from shopsmart.orders.states import OrderState

# The word for a state, and how it sounds: "good", "bad" or neither.
WORDS: dict[OrderState, tuple[str, str]] = {
    OrderState.PLACED: ("Payment under way", ""),
    OrderState.PAID: ("Paid, getting ready", "good"),
    OrderState.SHIPPED: ("On its way", "good"),
    OrderState.DELIVERED: ("Delivered", "good"),
    OrderState.CANCELLED: ("Cancelled", "bad"),
    OrderState.RETURNED: ("Sent back", ""),
}
_STEPS: dict[OrderState, str] = {
    OrderState.PLACED: "Ordered",
    OrderState.PAID: "Paid",
    OrderState.SHIPPED: "Sent",
    OrderState.DELIVERED: "Delivered",
    OrderState.CANCELLED: "Cancelled",
    OrderState.RETURNED: "All of it came back",
}
_USUAL = (OrderState.PLACED, OrderState.PAID, OrderState.SHIPPED, OrderState.DELIVERED)


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to an order, or will (`at` is None)."""

    what: str
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """What an order cost, as a cart's summary says it."""

    subtotal: Money
    discount: Money
    shipping: Money
    total: Money


def steps_of(order: Order) -> list[Step]:
    """How an order went, and how it will go on; asks nothing of the database after `get_order`."""
    return [*_past(order), *_to_come(order)]


def totals_of(order: Order) -> Totals:
    """The amounts of an order with their currency."""
    amounts = (order.subtotal, order.discount, order.shipping, order.total)
    return Totals(*(Money(amount, order.currency) for amount in amounts))


def address_of(order: Order) -> Address:
    """Where an order goes, as an address that is in nobody's book."""
    return Address(
        name=order.ship_name,
        line1=order.ship_line1,
        line2=order.ship_line2,
        postcode=order.ship_postcode,
        city=order.ship_city,
        country=order.ship_country,
    )


def _past(order: Order) -> Iterator[Step]:
    state = ""
    for event in order.events.all():
        if event.state == state:
            # No step, just something that happened meanwhile, in the words of who wrote it.
            yield Step(event.note, event.at)
        else:
            yield Step(_STEPS[OrderState(event.state)], event.at, event.note)
        state = event.state


def _to_come(order: Order) -> Iterator[Step]:
    if order.state in _USUAL:
        for state in _USUAL[_USUAL.index(OrderState(order.state)) + 1 :]:
            yield Step(_STEPS[state])
