"""Everything that reads carts. A summary costs the same number of queries whatever is in the cart."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Prefetch, QuerySet, Sum

from shopsmart.accounts.models import User
from shopsmart.cart.models import Cart, CartLine
from shopsmart.cart.pricing import CartSummary, Problem, ProblemKind, SummaryLine, shipping_for
from shopsmart.catalog.models import ProductImage, default_currency
from shopsmart.catalog.money import Money
from shopsmart.inventory.errors import Shortage
from shopsmart.inventory.selectors import availability, stock_of
from shopsmart.promotions.errors import CodeRefused
from shopsmart.promotions.services import Discount, Goods, discount_for


def cart_summary(cart: Cart) -> CartSummary:
    """What is in a cart, what it costs now, and what is in the way of buying it; pictures at hand."""
    if cart.pk is None:
        return summarise([], code="", user=None)
    images = Prefetch("variant__product__images", ProductImage.objects.order_by("position", "id"))
    lines = read_lines(cart).prefetch_related(images)
    return summarise(list(lines), code=cart.promotion_code, user=cart.user)


def quantity_in(cart: Cart) -> int:
    """How many things are in a cart, for the sign beside it; asks nothing for a cart not yet made."""
    if cart.pk is None:
        return 0
    return cart.lines.aggregate(all=Sum("quantity"))["all"] or 0


def read_lines(cart: Cart) -> QuerySet[CartLine]:
    """The lines of a cart with what prices and names them: variant, stock, product, brand and shelf."""
    return cart.lines.select_related(
        "variant__stock", "variant__product__category", "variant__product__brand"
    ).order_by("id")


def summarise(
    lines: Sequence[CartLine],
    *,
    code: str,
    user: User | None,
    at: datetime | None = None,
    lock: bool = False,
) -> CartSummary:
    """Price lines that `read_lines` read, with a code; what is not sold any more costs nothing here.

    With `lock`, in a transaction, the promotion behind the code stays as it is until the end of that.
    """
    currency = lines[0].variant.currency if lines else default_currency()
    problems = [problem for line in lines for problem in _problems_of(line, currency)]
    unsold = {p.sku for p in problems if p.kind in (ProblemKind.NOT_SOLD, ProblemKind.CURRENCY)}
    goods = [
        Goods(
            line.variant.product.category_id,
            line.variant.price.times(line.quantity).amount
            if line.variant.sku not in unsold
            else Decimal(0),
        )
        for line in lines
    ]
    discount: Discount | None = None
    if code and lines:
        try:
            discount = discount_for(
                code=code, goods=goods, currency=currency, user=user, at=at, lock=lock
            )
        except CodeRefused as error:
            problems.append(Problem(ProblemKind.CODE, error.reason))
    subtotal = Money(sum((one.amount for one in goods), Decimal(0)), currency)
    off = Money(discount.amount if discount else Decimal(0), currency)
    to_ship = any(line.variant.sku not in unsold for line in lines)
    shipping = shipping_for(subtotal - off) if to_ship else Money(Decimal(0), currency)
    shares = discount.shares if discount else (Decimal(0),) * len(lines)
    return CartSummary(
        lines=tuple(_summary_line(line, share) for line, share in zip(lines, shares, strict=True)),
        subtotal=subtotal,
        discount=off,
        shipping=shipping,
        total=subtotal - off + shipping,
        promotion_code=code,
        applied=discount,
        problems=tuple(problems),
    )


def _summary_line(line: CartLine, share: Decimal) -> SummaryLine:
    variant = line.variant
    stock = stock_of(variant)
    return SummaryLine(
        variant=variant,
        quantity=line.quantity,
        unit_price=variant.price,
        line_total=variant.price.times(line.quantity),
        discount=Money(share, variant.currency),
        availability=availability(stock),
    )


def _problems_of(line: CartLine, currency: str) -> list[Problem]:
    """What keeps a line from being bought: the first thing to mend, no more."""
    variant = line.variant
    if not variant.product.is_active:
        said = f"{variant} is no longer sold. Remove it to go on."
        return [Problem(ProblemKind.NOT_SOLD, said, variant.sku)]
    if variant.currency != currency:
        said = f"{variant} is sold in {variant.currency}. Order it by itself."
        return [Problem(ProblemKind.CURRENCY, said, variant.sku)]
    stock = stock_of(variant)
    available = stock.available if stock else 0
    if available < line.quantity:
        said = str(Shortage(variant, line.quantity, available))
        return [Problem(ProblemKind.STOCK, said, variant.sku)]
    return []
