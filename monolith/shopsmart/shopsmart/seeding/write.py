"""Puts the planned past into the database, past every `services`, and as those would have left it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from django.db import connection
from django.db.models import Sum

from shopsmart.accounts.models import Address, User
from shopsmart.accounts.roles import ORDER_DESK, STOCK_KEEPERS
from shopsmart.catalog.models import Variant
from shopsmart.inventory.models import Movement, Reservation, StockItem
from shopsmart.orders.models import Order, OrderEvent, OrderLine, Return, ReturnLine
from shopsmart.payments.models import Payment, Refund
from shopsmart.promotions.models import Promotion, Redemption
from shopsmart.seeding import rows
from shopsmart.seeding.goods import read_goods
from shopsmart.seeding.people import write_addresses, write_staff
from shopsmart.seeding.plan import Fate, PlannedOrder, plan_orders
from shopsmart.seeding.promotions import write_promotions
from shopsmart.seeding.stock import PlannedMovement, Store

ORDERS_PER_BATCH = 500
VARIANTS_PER_BATCH = 2_000

Advance = Callable[[int], None]


def write_past(*, shoppers: Sequence[User], orders: int, advance: Advance) -> int:
    """Write addresses, staff, promotions, orders and stock; gives how many orders there were.

    Belongs into the transaction that wrote the catalogue.
    """
    staff = write_staff()
    addresses = write_addresses(shoppers)
    past = _Past(shoppers, addresses, write_promotions(), staff)
    plan = plan_orders(orders=orders, shoppers=len(shoppers), shelved=read_goods())
    written = 0
    while batch := list(islice(plan, ORDERS_PER_BATCH)):
        past.write(batch)
        written += len(batch)
        advance(len(batch))
    past.write_stock()
    return written


class _Past:
    """What one batch of orders has to know of those before it."""

    def __init__(
        self,
        shoppers: Sequence[User],
        addresses: Sequence[Address],
        promotions: Sequence[Promotion],
        staff: dict[str, User],
    ) -> None:
        self._shoppers = shoppers
        self._addresses = addresses
        self._promotions = promotions
        self._desk = staff[ORDER_DESK]
        self._keeper = staff[STOCK_KEEPERS]
        self._store = Store()

    def write(self, batch: Sequence[PlannedOrder]) -> None:
        """Write orders with all that belongs to them."""
        orders = Order.objects.bulk_create(
            rows.order_row(one, self._shoppers[one.shopper], self._addresses[one.shopper])
            for one in batch
        )
        _number(orders)
        pairs = list(zip(orders, batch, strict=True))
        desk = self._desk
        lines = OrderLine.objects.bulk_create(
            line for order, one in pairs for line in rows.line_rows(order, one)
        )
        OrderEvent.objects.bulk_create(
            event for order, one in pairs for event in rows.event_rows(order, one, desk)
        )
        self._write_returns(pairs, lines)
        payments = Payment.objects.bulk_create(rows.payment_row(*pair) for pair in pairs)
        refunds = (
            rows.refund_row(payment, *pair) for payment, pair in zip(payments, pairs, strict=True)
        )
        Refund.objects.bulk_create(refund for refund in refunds if refund is not None)
        Redemption.objects.bulk_create(
            Redemption(promotion=self._promotions[one.offer], order=order, user=order.user)
            for order, one in pairs
            if one.offer is not None and one.fate not in (Fate.CANCELLED, Fate.DECLINED)
        )
        Reservation.objects.bulk_create(
            held for order, one in pairs for held in rows.reservation_rows(order, one)
        )
        Movement.objects.bulk_create(
            movement for order, one in pairs for movement in self._movements(order, one)
        )

    def write_stock(self) -> None:
        """Write what is on hand of every variant, and the movements of it that are no order's."""
        variants = Variant.objects.order_by("id").values_list("id", "sku", "product__created_at")
        moved = Movement.objects.order_by().values_list("variant_id").annotate(Sum("delta"))
        sold = dict(moved)
        pages = variants.iterator(chunk_size=VARIANTS_PER_BATCH)
        while page := list(islice(pages, VARIANTS_PER_BATCH)):
            planned = {variant[0]: list(self._store.close(*variant)) for variant in page}
            Movement.objects.bulk_create(
                self._movement(one) for movements in planned.values() for one in movements
            )
            StockItem.objects.bulk_create(
                StockItem(
                    variant_id=pk, on_hand=sold.get(pk, 0) + sum(one.delta for one in movements)
                )
                for pk, movements in planned.items()
            )

    def _write_returns(
        self, pairs: Sequence[tuple[Order, PlannedOrder]], lines: Sequence[OrderLine]
    ) -> None:
        lines_of: dict[int, list[OrderLine]] = {}
        for line in lines:
            lines_of.setdefault(line.order_id, []).append(line)
        asked = [
            (made, one) for order, one in pairs if (made := rows.return_row(order, one)) is not None
        ]
        Return.objects.bulk_create(made for made, _ in asked)
        ReturnLine.objects.bulk_create(
            ReturnLine(parent=made, order_line=line, quantity=pieces)
            for made, one in asked
            for line, pieces in zip(lines_of[made.order_id], one.returned.pieces, strict=True)
            if pieces
        )

    def _movements(self, order: Order, planned: PlannedOrder) -> Iterator[Movement]:
        """An order's own, each delivery that it needed before it."""
        if planned.fate is not Fate.DECLINED:
            for line, back in zip(planned.lines, rows.pieces_back(planned), strict=True):
                good = line.good
                came = self._store.sell(good.variant_id, good.sku, line.quantity, planned.placed_at)
                yield from map(self._movement, came)
                self._store.take_back(good.variant_id, back)
        yield from rows.movement_rows(order, planned, self._desk)

    def _movement(self, planned: PlannedMovement) -> Movement:
        return Movement(
            variant_id=planned.variant_id,
            delta=planned.delta,
            kind=planned.kind,
            reference=planned.reference,
            at=planned.at,
            by=self._keeper,
        )


def _number(orders: Sequence[Order]) -> None:
    """Give orders the numbers that the checkout would have made of their ids."""
    for order in orders:
        order.number = f"S-{order.placed_at.year}-{order.pk:06d}"
    # One statement for all of them takes longer to put together than these take to run.
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE orders_order SET number = %s WHERE id = %s",
            [(order.number, order.pk) for order in orders],
        )
