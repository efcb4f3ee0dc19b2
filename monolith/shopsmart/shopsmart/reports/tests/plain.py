"""The sales report once more, slowly: every row is read and looked at one by one, nothing is joined.

Written without a look at how the shop does it. Where the two agree on thousands of odd orders, the
clever one may be believed.
"""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Product, Variant
from shopsmart.orders.models import Order, OrderLine, Return, ReturnLine
from shopsmart.payments.models import Payment, Refund

PARCEL = "the parcel"


def day_of(moment: datetime) -> date:
    return timezone.localtime(moment).date()


class Plain:
    """Every row there is, read once and in no order."""

    def __init__(self) -> None:
        self.users = {user.pk: user for user in User.objects.all()}
        self.orders = {order.pk: order for order in Order.objects.all()}
        self.lines = {line.pk: line for line in OrderLine.objects.all()}
        self.products = {product.pk: product for product in Product.objects.all()}
        self.variants = {variant.pk: variant for variant in Variant.objects.all()}
        self.payments = list(Payment.objects.all())
        self.refunds = list(Refund.objects.all())
        self.returns = list(Return.objects.all())
        self.return_lines = list(ReturnLine.objects.all())

    def report(self, first: date, last: date, by: str, currency: str) -> dict[Any, dict[str, Any]]:
        """Figures by day, id of a category or brand, country or code; under "all" those of the whole."""
        groups: dict[Any, dict[str, Any]] = defaultdict(
            lambda: {
                "orders": set(),
                "shoppers": set(),
                "new_shoppers": set(),
                "units": 0,
                "goods": Decimal(0),
                "discount": Decimal(0),
                "shipping": Decimal(0),
                "refunded": Decimal(0),
                "paid": Decimal(0),
            }
        )
        for payment in self.payments:
            if payment.state != "approved" or payment.currency != currency:
                continue
            order = self.orders[payment.order_id]
            lines = self.lines_of(order)
            if first <= day_of(payment.settled_at) <= last:
                joined = day_of(self.users[order.user_id].date_joined)
                mine = {self.group_of(by, order, line, payment.settled_at) for line in lines}
                for group in (*mine, "all"):
                    groups[group]["orders"].add(order.pk)
                    groups[group]["shoppers"].add(order.user_id)
                    if first <= joined <= last:
                        groups[group]["new_shoppers"].add(order.user_id)
                for line in lines:
                    for group in (self.group_of(by, order, line, payment.settled_at), "all"):
                        groups[group]["units"] += line.quantity
                        groups[group]["goods"] += line.line_total
                        groups[group]["discount"] += line.discount
                for group in (self.group_of(by, order, None, payment.settled_at), "all"):
                    groups[group]["shipping"] += order.shipping
                groups["all"]["paid"] += payment.amount
            for refund, line, amount in self.spread(order, payment):
                if first <= day_of(refund.settled_at) <= last:
                    for group in (self.group_of(by, order, line, refund.settled_at), "all"):
                        groups[group]["refunded"] += amount
        return {
            group: {
                name: len(one) if isinstance(one, set) else one for name, one in figures.items()
            }
            for group, figures in groups.items()
        }

    def lines_of(self, order: Order) -> list[OrderLine]:
        mine = [line for line in self.lines.values() if line.order_id == order.pk]
        return sorted(mine, key=lambda line: line.pk)

    def group_of(self, by: str, order: Order, line: OrderLine | None, moment: datetime) -> Any:
        if by == "day":
            return day_of(moment)
        if by == "country":
            return order.ship_country
        if by == "promotion":
            return order.promotion_code
        if line is None:
            return PARCEL
        product = self.products[self.variants[line.variant_id].product_id]
        return product.category_id if by == "category" else product.brand_id

    def spread(
        self, order: Order, payment: Payment
    ) -> list[tuple[Refund, OrderLine | None, Decimal]]:
        """What of each refund was for which line; None stands for the parcel."""
        everything: list[tuple[OrderLine | None, Decimal]] = [
            (line, line.line_total - line.discount) for line in self.lines_of(order)
        ]
        everything.append((None, order.shipping))
        waiting = self.worth_of_returns(order)
        told = []
        done = [r for r in self.refunds if r.payment_id == payment.pk and r.state == "done"]
        for refund in sorted(done, key=lambda r: (r.settled_at, r.pk)):
            parts = everything
            for number, (amount, its) in enumerate(waiting):
                if amount == refund.amount:
                    parts = its if sum(worth for _, worth in its) else everything
                    del waiting[number]
                    break
            whole = sum((worth for _, worth in parts), Decimal(0))
            so_far = given = Decimal(0)
            for line, worth in parts:
                so_far += worth
                upto = (refund.amount * so_far / whole).quantize(Decimal("0.01"), "ROUND_HALF_UP")
                told.append((refund, line, upto - given))
                given = upto
            assert given == refund.amount
        return told

    def worth_of_returns(
        self, order: Order
    ) -> list[tuple[Decimal, list[tuple[OrderLine | None, Decimal]]]]:
        """What each return gave back in all, and what each of its lines was worth."""
        gone: dict[int, int] = defaultdict(int)
        told = []
        mine = [r for r in self.returns if r.order_id == order.pk and r.state == "received"]
        for returned in sorted(mine, key=lambda r: (r.settled_at, r.pk)):
            parts: list[tuple[OrderLine | None, Decimal]] = []
            sent = [one for one in self.return_lines if one.parent_id == returned.pk]
            for one in sorted(sent, key=lambda one: one.order_line_id):
                line = self.lines[one.order_line_id]
                gone[line.pk] += one.quantity
                paid = line.line_total - line.discount
                parts.append((line, paid * one.quantity / line.quantity))
            if all(gone[line.pk] == line.quantity for line in self.lines_of(order)):
                parts.append((None, order.shipping))
            told.append((returned.refund_amount, parts))
        return told
