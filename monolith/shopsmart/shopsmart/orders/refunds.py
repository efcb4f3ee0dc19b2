"""What is given back for goods that come back. Pure: numbers in, numbers out."""

from collections.abc import Mapping
from decimal import Decimal

from shopsmart.catalog.money import to_cents
from shopsmart.orders.models import Order, OrderLine


def refund_for(
    order: Order, *, back_before: Mapping[OrderLine, int], coming: Mapping[OrderLine, int]
) -> Decimal:
    """What is given back for the pieces that come, after others that came back before.

    Of a line so many pieces are worth what was paid for it (its discount taken off) in proportion,
    in whole cents, always counted from the first piece: so the refunds of any parts add up to the
    whole. The shipping comes back with the last piece of the order.
    """
    amount = sum(
        (
            _worth(line, back_before.get(line, 0) + pieces) - _worth(line, back_before.get(line, 0))
            for line, pieces in coming.items()
        ),
        Decimal(0),
    )
    if is_all_back(order, back_before=back_before, coming=coming):
        amount += order.shipping
    return amount


def is_all_back(
    order: Order, *, back_before: Mapping[OrderLine, int], coming: Mapping[OrderLine, int]
) -> bool:
    """Whether nothing of the order is left with the shopper then."""
    return all(
        back_before.get(line, 0) + coming.get(line, 0) == line.quantity
        for line in order.lines.all()
    )


def _worth(line: OrderLine, pieces: int) -> Decimal:
    return to_cents(line.paid * pieces / line.quantity)
