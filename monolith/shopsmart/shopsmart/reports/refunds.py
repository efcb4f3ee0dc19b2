"""Which goods the money that was given back was for. Pure: numbers in, numbers out.

A refund knows its payment and an amount, and a return knows its goods and an amount, but neither
knows the other. So each refund of an order, the earliest first, belongs to the earliest return of
the same amount that none before it belongs to, and is spread over what came back with it. One
without such a return (a cancelled order, or what staff gave) is spread over the whole order.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopsmart.catalog.money import share_out

SHIPPING = None  # stands where a line's id would: what was given back for the parcel


@dataclass(frozen=True, slots=True)
class SoldLine:
    """So many pieces, and what was paid for them all, the discount taken off."""

    pk: int
    quantity: int
    paid: Decimal


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back at once, and what was to be given back for it."""

    amount: Decimal
    pieces: Mapping[int, int]  # by line


@dataclass(frozen=True, slots=True)
class RefundedOrder:
    """An order of which money was given back; returns and refunds with the earliest first."""

    shipping: Decimal
    lines: Sequence[SoldLine]
    returns: Sequence[Returned]
    refunds: list[tuple[int, Decimal]]  # id and amount


def shares_of(order: RefundedOrder) -> Iterator[tuple[int, int | None, Decimal]]:
    """Refund, line (or SHIPPING) and amount, for everything that was given back of an order.

    The amounts of a refund add up to it exactly, unless nothing was paid for anything.
    """
    whole = [*((line.pk, line.paid) for line in order.lines), (SHIPPING, order.shipping)]
    open_returns = list(_weighed(order))
    for refund, amount in order.refunds:
        match = next((pair for pair in open_returns if pair[0] == amount), None)
        if match:
            open_returns.remove(match)
        # Goods that cost nothing can't carry what was given back with them.
        weights = match[1] if match and any(weight for _, weight in match[1]) else whole
        shares = share_out(amount, [weight for _, weight in weights])
        for (line, _), share in zip(weights, shares, strict=True):
            if share:
                yield refund, line, share


def _weighed(order: RefundedOrder) -> Iterator[tuple[Decimal, list[tuple[int | None, Decimal]]]]:
    """Each return's amount, with what each of its lines was worth; the shipping goes with the last piece."""
    lines = {line.pk: line for line in order.lines}
    back: Counter[int] = Counter()
    for returned in order.returns:
        back.update(returned.pieces)
        weights: list[tuple[int | None, Decimal]] = [
            (pk, lines[pk].paid * pieces / lines[pk].quantity)
            for pk, pieces in sorted(returned.pieces.items())
        ]
        if _is_all(back, order.lines):
            weights.append((SHIPPING, order.shipping))
        yield returned.amount, weights


def _is_all(back: Mapping[int, int], lines: Iterable[SoldLine]) -> bool:
    return all(back.get(line.pk, 0) == line.quantity for line in lines)
