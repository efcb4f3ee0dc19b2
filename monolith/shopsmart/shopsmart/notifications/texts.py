"""The words of a notification and of its mail, from one template for each kind.

A template (`templates/notifications/<kind>.txt`, below `_news.txt`) is read in three parts: its first
line is title and subject, its first paragraph is what the inbox in the shop shows, and all of it is
the mail. Paragraphs are broken at 72 columns here; what is indented stays as it is.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from shopsmart.accounts.countries import country_name
from shopsmart.accounts.models import User
from shopsmart.catalog.money import Money
from shopsmart.notifications.models import SUBJECT_MAX_LENGTH, Kind
from shopsmart.orders.models import Order
from shopsmart.payments.reasons import why_failed
from shopsmart.storefront.templatetags.storefront import money

COLUMNS = 72
GOODS_WIDTH = 48
AMOUNT_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said, in the shop and by mail."""

    title: str
    news: str
    url: str
    mail: str


def write_texts(*, user: User, kind: Kind, context: Mapping[str, Any]) -> Texts:
    """The words for what happened; raises ValueError where the order is missing that they speak of."""
    order = context.get("order")
    if kind is not Kind.WELCOME and order is None:
        raise ValueError(f"The context of {kind.value!r} has no order.")
    url = reverse("accounts:account") if order is None else order_path(order)
    words = {
        **_told(order, context),
        "user": user,
        "link": settings.PUBLIC_URL + url,
        "shop": settings.PUBLIC_URL + reverse("storefront:home"),
        "goods": goods_table(order) if order else "",
        "country": country_name(order.ship_country) if order else "",
    }
    title, _, rest = render_to_string(f"notifications/{kind.value}.txt", words).partition("\n")
    paragraphs = [part.strip("\n") for part in rest.strip("\n").split("\n\n") if part.strip()]
    # The first one greets; the second is the news.
    return Texts(
        title=" ".join(title.split())[:SUBJECT_MAX_LENGTH],
        news=" ".join(paragraphs[1].split()),
        url=url,
        mail="\n\n".join(map(_broken, paragraphs)) + "\n",
    )


def _told(order: Order | None, context: Mapping[str, Any]) -> dict[str, Any]:
    """What the context says, with reason and amount taken from the payment or return in it."""
    words = dict(context)
    if payment := context.get("payment"):
        words["reason"] = why_failed(payment)
    if order and (returned := context.get("returned")):
        words["reason"] = returned.note
        words["amount"] = Money(returned.refund_amount, order.currency)
    return words


def order_path(order: Order) -> str:
    """Where a shopper looks at an order."""
    return reverse("storefront:order", args=[order.number])


def goods_table(order: Order) -> str:
    """What was bought and what it cost, in two columns of an indented table."""
    rows = [
        *((f"{line}", line.line_total) for line in order.lines.all()),
        None,
        ("Goods", order.subtotal),
        (f"Discount ({order.promotion_code})", -order.discount) if order.discount else None,
        ("Shipping", order.shipping),
        ("Total", order.total),
    ]
    return "\n".join(line for row in rows for line in _row(row, order.currency))


def _row(row: tuple[str, Decimal] | None, currency: str) -> Iterator[str]:
    if row is None:
        yield ""
        return
    words, amount = row
    *above, last = textwrap.wrap(words, GOODS_WIDTH, subsequent_indent="    ") or [""]
    yield from (f"    {line}" for line in above)
    sign = "-" if amount < 0 else ""
    yield f"    {last:<{GOODS_WIDTH}}{sign + money(Money(abs(amount), currency)):>{AMOUNT_WIDTH}}"


def _broken(paragraph: str) -> str:
    """A paragraph in lines of 72 columns; tables, addresses and links are left alone."""
    if paragraph.startswith(("    ", "http", "-- ")):
        return paragraph
    return textwrap.fill(
        " ".join(paragraph.split()), COLUMNS, break_long_words=False, break_on_hyphens=False
    )
