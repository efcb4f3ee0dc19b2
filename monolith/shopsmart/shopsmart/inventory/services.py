"""Everything that changes stock, each in one transaction.

Stock rows are locked in the order of their variants' ids, and after the order they are changed for:
so no two of these can wait for each other in a circle. Each kind of row costs one statement, however
many lines there are. Stock is *taken* when the payment is approved, not when the parcel leaves: what
is sold can't be counted as ours.
"""

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.db import transaction

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Variant
from shopsmart.inventory.errors import OutOfStock, Shortage
from shopsmart.inventory.models import (
    Movement,
    MovementKind,
    Reservation,
    ReservationState,
    StockItem,
)
from shopsmart.orders.models import Order


@transaction.atomic
def reserve(*, order: Order, lines: Mapping[Variant, int]) -> list[Reservation]:
    """Hold so many of each variant for an order, all or nothing; raises OutOfStock."""
    stock = _lock(variant.pk for variant in lines)
    short = []
    for variant, wanted in lines.items():
        item = stock.get(variant.pk)
        available = item.available if item else 0
        if available < wanted:
            short.append(Shortage(variant, wanted, available))
        elif item:
            item.reserved += wanted
    if short:
        raise OutOfStock(short)
    StockItem.objects.bulk_update(stock.values(), ["reserved"])
    return Reservation.objects.bulk_create(
        Reservation(order=order, variant=variant, quantity=quantity)
        for variant, quantity in lines.items()
    )


@transaction.atomic
def take(*, order: Order) -> None:
    """Turn what an order holds into sold stock; harmless where it holds nothing (any more).

    The caller has locked the order.
    """
    held, stock = _held(order)
    for reservation in held:
        item = stock[reservation.variant_id]
        item.reserved -= reservation.quantity
        item.on_hand -= reservation.quantity
    StockItem.objects.bulk_update(stock.values(), ["reserved", "on_hand"])
    Movement.objects.bulk_create(
        Movement(
            variant_id=reservation.variant_id,
            delta=-reservation.quantity,
            kind=MovementKind.SOLD,
            reference=order.number,
        )
        for reservation in held
    )
    _settle(held, ReservationState.TAKEN)


@transaction.atomic
def release(*, order: Order) -> None:
    """Give back what an order holds; harmless where it holds nothing (any more).

    The caller has locked the order.
    """
    held, stock = _held(order)
    for reservation in held:
        stock[reservation.variant_id].reserved -= reservation.quantity
    StockItem.objects.bulk_update(stock.values(), ["reserved"])
    _settle(held, ReservationState.RELEASED)


@transaction.atomic
def restock(
    *,
    lines: Mapping[Variant, int],
    kind: MovementKind,
    reference: str,
    by: User | None = None,
) -> list[Movement]:
    """Put so many of each variant into the store, `received` or `returned`.

    Raises ValidationError by field where a number is not positive or the reference is missing.
    """
    if any(quantity < 1 for quantity in lines.values()):
        raise ValidationError({"quantity": "Say how many came: 1 or more."})
    stock = _lock((variant.pk for variant in lines), make=True)
    movements = [
        Movement(variant=variant, delta=quantity, kind=kind, reference=reference, by=by)
        for variant, quantity in lines.items()
    ]
    for movement in movements:
        movement.clean_fields(exclude=["variant", "by"])
        stock[movement.variant_id].on_hand += movement.delta
    StockItem.objects.bulk_update(stock.values(), ["on_hand"])
    return Movement.objects.bulk_create(movements)


@transaction.atomic
def correct(*, variant: Variant, on_hand: int, by: User | None, reason: str) -> Movement | None:
    """Set how many were counted on the shelf; None where that is what the books say already.

    Raises ValidationError where fewer were counted than are reserved: cancel an order first.
    """
    item = _lock([variant.pk], make=True)[variant.pk]
    if on_hand < item.reserved:
        raise ValidationError(
            {"on_hand": f"{item.reserved} are reserved for orders; there can't be fewer on hand."}
        )
    delta = on_hand - item.on_hand
    if delta == 0:
        return None
    movement = Movement(
        variant=variant, delta=delta, kind=MovementKind.CORRECTED, reference=reason, by=by
    )
    movement.full_clean()
    item.on_hand = on_hand
    item.save(update_fields=["on_hand"])
    movement.save()
    return movement


def _lock(variant_ids: Iterable[int], *, make: bool = False) -> dict[int, StockItem]:
    """The stock rows of these variants by variant, locked in their order; `make` adds missing ones."""
    ids = sorted(variant_ids)
    if make:
        StockItem.objects.bulk_create(
            (StockItem(variant_id=pk) for pk in ids), ignore_conflicts=True
        )
    rows = StockItem.objects.select_for_update(no_key=True).filter(variant_id__in=ids)
    return {row.variant_id: row for row in rows.order_by("variant_id")}


def _held(order: Order) -> tuple[list[Reservation], dict[int, StockItem]]:
    held = list(order.reservations.filter(state=ReservationState.HELD).order_by("variant_id"))
    return held, _lock(reservation.variant_id for reservation in held)


def _settle(held: list[Reservation], state: ReservationState) -> None:
    ids = [reservation.pk for reservation in held]
    Reservation.objects.filter(pk__in=ids).update(state=state)
