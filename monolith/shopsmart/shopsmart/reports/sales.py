"""Reckons the sales report: five apps in a few queries, as many for a thousand orders as for one.

An order is sold on the day on which its card was charged, whatever became of it; what was given
back counts on the day on which it was, however old the order. So the report of a day that is over
never changes. Goods belong to the category and brand in which they stand today; a country is where
the parcel went.

SQLite adds up in binary: every sum is brought to cents here. Days are days of the shop's time zone.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.expressions import Combinable, F
from django.db.models.functions import TruncDate
from django.utils import timezone

from shopsmart.catalog.money import to_cents
from shopsmart.orders.models import OrderLine, ReturnLine
from shopsmart.orders.states import ReturnState
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.states import PaymentState, RefundState
from shopsmart.reports.figures import COUNTED, ZERO, Dimension, Figures, Period, Row, SalesReport
from shopsmart.reports.labels import PARCELS, labels_of
from shopsmart.reports.refunds import (
    SHIPPING,
    RefundedOrder,
    Returned,
    SoldLine,
    shares_of,
)

PRODUCT = "order__lines__variant__product"
# What the rows are, asked of a payment. An order belongs to one day with all that is in it …
ORDER_GROUPS: dict[Dimension, Combinable] = {
    Dimension.DAY: TruncDate("settled_at"),
    Dimension.COUNTRY: F("order__ship_country"),
    Dimension.PROMOTION: F("order__promotion_code"),
}
# … and its lines to several categories, but its shipping to none.
LINE_GROUPS: dict[Dimension, Combinable] = {
    Dimension.CATEGORY: F(f"{PRODUCT}__category"),
    Dimension.BRAND: F(f"{PRODUCT}__brand"),
}
REFUND_GROUPS: dict[Dimension, Combinable] = {
    Dimension.DAY: TruncDate("settled_at"),
    Dimension.COUNTRY: F("payment__order__ship_country"),
    Dimension.PROMOTION: F("payment__order__promotion_code"),
}
REFUND_COLUMNS = {
    Dimension.CATEGORY: "variant__product__category_id",
    Dimension.BRAND: "variant__product__brand_id",
}

Groups = defaultdict[Any, Figures]


def sales_report(*, first: date, last: date, by: Dimension, currency: str) -> SalesReport:
    """What was sold from `first` to `last`, both included, in one currency."""
    period = Period(first, last)
    sold, refunds = _sold(period, currency), _refunds(period, currency)
    groups: Groups = defaultdict(Figures)
    if by in ORDER_GROUPS:
        _add_orders(groups, sold.values(group=ORDER_GROUPS[by]), period)
        _add_refunds(groups, refunds.values(group=REFUND_GROUPS[by]))
    else:
        _add_lines(groups, sold.values(group=LINE_GROUPS[by]), period)
        groups[PARCELS].shipping = to_cents(
            sold.aggregate(sum=Sum("order__shipping"))["sum"] or ZERO
        )
        for group, amount in _refunds_by_line(refunds, REFUND_COLUMNS[by]):
            groups[group].refunded += amount
    if by is Dimension.DAY:
        for day in period.days:
            groups[day]  # a day without sales is a day too
    counted = sold.aggregate(**_people(period), paid=Sum("amount"))
    paid = to_cents(counted.pop("paid") or ZERO)
    for name in set(COUNTED) - counted.keys():
        counted[name] = sum(getattr(figures, name) for figures in groups.values())
    return SalesReport(period, by, currency, _rows(groups, by), Figures(**counted), paid)


def currencies() -> list[str]:
    """The currencies in which anything was ever charged."""
    charged = Payment.objects.filter(state=PaymentState.APPROVED).order_by("currency")
    return list(charged.values_list("currency", flat=True).distinct())


def latest_sale(*, currency: str) -> date | None:
    """The day of the latest sale, however long ago; None where nothing was ever sold."""
    charged = Payment.objects.filter(state=PaymentState.APPROVED, currency=currency)
    moment = charged.aggregate(latest=Max("settled_at"))["latest"]
    return timezone.localtime(moment).date() if moment else None


def _sold(period: Period, currency: str) -> QuerySet[Payment]:
    """The payments that make an order sold; there is one for an order at most."""
    return Payment.objects.order_by().filter(
        state=PaymentState.APPROVED,
        currency=currency,
        settled_at__gte=period.begin,
        settled_at__lt=period.end,
    )


def _refunds(period: Period, currency: str) -> QuerySet[Refund]:
    return Refund.objects.order_by().filter(
        state=RefundState.DONE,
        payment__currency=currency,
        settled_at__gte=period.begin,
        settled_at__lt=period.end,
    )


def _people(period: Period) -> dict[str, Count]:
    is_new = Q(order__user__date_joined__gte=period.begin, order__user__date_joined__lt=period.end)
    return {
        "orders": Count("order", distinct=True),
        "shoppers": Count("order__user", distinct=True),
        "new_shoppers": Count("order__user", distinct=True, filter=is_new),
    }


def _add_orders(groups: Groups, sold: QuerySet[Any], period: Period) -> None:
    """Two queries: joined with its lines, an order's shipping would count once for each of them."""
    for found in sold.annotate(**_people(period), parcels=Sum("order__shipping")):
        figures = groups[found["group"]]
        figures.shipping = to_cents(found["parcels"])
        _set_people(figures, found)
    for found in sold.annotate(**_goods()):
        _set_goods(groups[found["group"]], found)


def _add_lines(groups: Groups, sold: QuerySet[Any], period: Period) -> None:
    for found in sold.annotate(**_people(period), **_goods()):
        _set_people(groups[found["group"]], found)
        _set_goods(groups[found["group"]], found)


def _goods() -> dict[str, Sum]:
    return {
        "units": Sum("order__lines__quantity", default=0),
        "goods": Sum("order__lines__line_total", default=ZERO),
        "discount": Sum("order__lines__discount", default=ZERO),
    }


def _set_people(figures: Figures, found: dict[str, Any]) -> None:
    figures.orders = found["orders"]
    figures.shoppers = found["shoppers"]
    figures.new_shoppers = found["new_shoppers"]


def _set_goods(figures: Figures, found: dict[str, Any]) -> None:
    figures.units = found["units"]
    figures.goods = to_cents(found["goods"])
    figures.discount = to_cents(found["discount"])


def _add_refunds(groups: Groups, refunds: QuerySet[Any]) -> None:
    for found in refunds.annotate(sum=Sum("amount")):
        groups[found["group"]].refunded = to_cents(found["sum"])


def _refunds_by_line(refunds: QuerySet[Refund], column: str) -> Iterator[tuple[Any, Any]]:
    """The group and the amount, for what was given back of each line.

    The orders are read whole, with what was given back of them at other times: that says which
    refund is for which return.
    """
    orders = refunds.values("payment__order")
    groups: dict[int | None, Any] = {SHIPPING: PARCELS}
    lines: dict[int, list[SoldLine]] = defaultdict(list)
    sold = OrderLine.objects.filter(order__in=orders).order_by("pk")
    for line in sold.values("order", "pk", "quantity", "line_total", "discount", group=F(column)):
        paid = line["line_total"] - line["discount"]
        lines[line["order"]].append(SoldLine(line["pk"], line["quantity"], paid))
        groups[line["pk"]] = line["group"]
    returns: dict[int, dict[int, Returned]] = defaultdict(dict)
    came = ReturnLine.objects.filter(parent__state=ReturnState.RECEIVED, parent__order__in=orders)
    for order, returned, amount, line, pieces in came.order_by(
        "parent__settled_at", "parent", "pk"
    ).values_list("parent__order", "parent", "parent__refund_amount", "order_line", "quantity"):
        returns[order].setdefault(returned, Returned(amount, {})).pieces[line] = pieces
    made: dict[int, RefundedOrder] = {}
    given = Refund.objects.filter(state=RefundState.DONE, payment__order__in=orders)
    for order, shipping, refund, amount in given.order_by("settled_at", "pk").values_list(
        "payment__order", "payment__order__shipping", "pk", "amount"
    ):
        whole = RefundedOrder(shipping, lines[order], list(returns[order].values()), [])
        made.setdefault(order, whole).refunds.append((refund, amount))
    counted = set(refunds.values_list("pk", flat=True))
    for whole in made.values():
        for refund, line, amount in shares_of(whole):
            if refund in counted:
                yield groups[line], amount


def _rows(groups: Groups, by: Dimension) -> list[Row]:
    """Days in their order; of everything else what brought most comes first."""
    label = labels_of(by)
    rows = [Row(*label(group), figures) for group, figures in groups.items()]
    if by is Dimension.DAY:
        return sorted(rows, key=lambda row: row.key)
    return sorted(rows, key=lambda row: (-row.figures.net, row.label, row.key))
