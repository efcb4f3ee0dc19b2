"""What codes give, and their use. A use is counted under the promotion's lock: the last one goes once.

The promotion is locked after the cart and before stock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.catalog.money import Money, share_out, to_cents
from shopsmart.catalog.selectors import CategoryTree
from shopsmart.orders.models import Order
from shopsmart.promotions.errors import CodeRefused
from shopsmart.promotions.models import Promotion, PromotionKind, Redemption


@dataclass(frozen=True, slots=True)
class Goods:
    """So much of a cart stands on one shelf of the catalogue."""

    category_id: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Discount:
    """What a code takes off, in all and of each of the goods, in their order."""

    promotion: Promotion
    amount: Decimal
    shares: tuple[Decimal, ...]


def normalise_code(text: str) -> str:
    """A code as it is stored, whatever the case and spaces of what was typed."""
    return text.strip().upper()


def discount_for(
    *,
    code: str,
    goods: Sequence[Goods],
    currency: str,
    user: User | None,
    at: datetime | None = None,
    lock: bool = False,
) -> Discount:
    """What a code takes off these goods; raises CodeRefused, which says why it takes off nothing.

    With `lock`, in a transaction, the promotion stays as it is until the end of that: `redeem` may follow.
    """
    at = at or timezone.now()
    promotions = Promotion.objects.select_for_update(no_key=True) if lock else Promotion.objects
    promotion = promotions.filter(code=normalise_code(code)).first()
    if promotion is None or not promotion.is_active or promotion.starts_at > at:
        raise CodeRefused("There is no such code.")
    if promotion.ends_at is not None and promotion.ends_at <= at:
        raise CodeRefused("This code is no longer valid.")
    if promotion.currency != currency:
        raise CodeRefused(f"This code is for carts in {promotion.currency} only.")
    _check_limits(promotion, user)
    amounts = _applicable(promotion, goods)
    whole = sum(amounts, Decimal(0))
    if whole == 0:
        raise CodeRefused("This code is for other goods than those in the cart.")
    if whole < promotion.minimum:
        least = Money(promotion.minimum, promotion.currency)
        raise CodeRefused(f"This code is for goods of {least} or more.")
    if promotion.kind == PromotionKind.PERCENT:
        amount = to_cents(whole * promotion.value / 100)
    else:
        amount = min(promotion.value, whole)
    return Discount(promotion, amount, tuple(share_out(amount, amounts)))


@transaction.atomic
def redeem(*, promotion: Promotion, order: Order) -> Redemption:
    """Count a use of a promotion by an order; raises CodeRefused where there is none left."""
    locked = Promotion.objects.select_for_update(no_key=True).get(pk=promotion.pk)
    _check_limits(locked, order.user)
    return Redemption.objects.create(promotion=locked, order=order, user=order.user)


def give_back(order: Order) -> None:
    """Let the use of a code by an order not count; harmless where it used none."""
    if order.promotion_code:
        Redemption.objects.filter(order=order).delete()


def _check_limits(promotion: Promotion, user: User | None) -> None:
    if promotion.usage_limit is None and (promotion.per_user_limit is None or user is None):
        return
    uses = promotion.redemptions.aggregate(all=Count("pk"), own=Count("pk", filter=Q(user=user)))
    if promotion.usage_limit is not None and uses["all"] >= promotion.usage_limit:
        raise CodeRefused("This code has been used up.")
    if promotion.per_user_limit is not None and user and uses["own"] >= promotion.per_user_limit:
        raise CodeRefused("You have used this code already.")


def _applicable(promotion: Promotion, goods: Sequence[Goods]) -> list[Decimal]:
    """What of the goods the promotion looks at: all of an amount, or nothing of it."""
    if promotion.category_id is None:
        return [one.amount for one in goods]
    nodes = CategoryTree().nodes
    here = next(n.descendant_ids for n in nodes if n.category.pk == promotion.category_id)
    return [one.amount if one.category_id in here else Decimal(0) for one in goods]
