from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.catalog.money import share_out
from shopsmart.catalog.tests.make import make_category, make_user
from shopsmart.inventory.tests.make import make_order
from shopsmart.promotions.errors import CodeRefused
from shopsmart.promotions.models import Promotion, Redemption
from shopsmart.promotions.services import Discount, Goods, discount_for, give_back, redeem
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def tried(
    *amounts: str, code: str = "WELCOME10", user: User | None = None, shelf: int = 1
) -> Discount:
    goods = [Goods(shelf, Decimal(amount)) for amount in amounts]
    return discount_for(code=code, goods=goods, currency="EUR", user=user, at=NOW)


def test_a_share_is_rounded_once_and_shared_out_to_the_cent() -> None:
    make_promotion(percent="10")
    discount = tried("0.05", "0.05", "0.05", "10.00")
    assert discount.amount == Decimal("1.02")  # of 10.15
    assert sum(discount.shares) == discount.amount
    assert all(0 <= share <= Decimal("0.01") for share in discount.shares[:3])


def test_an_amount_is_never_more_than_the_goods() -> None:
    make_promotion(amount="5.00")
    assert tried("20.00").amount == Decimal("5.00")
    assert tried("3.00", "1.00").shares == (Decimal("3.00"), Decimal("1.00"))


def test_a_code_may_be_typed_as_one_likes() -> None:
    make_promotion()
    assert tried("10", code=" welcome10 ").amount == 1


@pytest.mark.parametrize("amount", ["0.00", "0.01", "9.99", "33.34", "100.00"])
@pytest.mark.parametrize("parts", list(product(["0.00", "0.01", "33.33", "66.66"], repeat=3)))
def test_shares_add_up_and_none_exceeds_its_part(amount: str, parts: tuple[str, ...]) -> None:
    by = [Decimal(part) for part in parts]
    whole = min(Decimal(amount), sum(by))
    shares = share_out(whole, by)
    assert sum(shares) == whole
    assert all(0 <= share <= part for share, part in zip(shares, by, strict=True))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"is_active": False}, "no such code"),
        ({"starts_at": NOW + timedelta(seconds=1)}, "no such code"),
        ({"starts_at": NOW - timedelta(days=2), "ends_at": NOW}, "no longer valid"),
        ({"currency": "USD"}, "carts in USD"),
        ({"minimum": "10.01"}, "10.01 EUR or more"),
        ({"usage_limit": 0}, "used up"),
        ({"code": "OTHER"}, "no such code"),
    ],
)
def test_a_code_that_does_not_hold_says_why(fields: dict[str, Any], said: str) -> None:
    make_promotion(**fields)
    with pytest.raises(CodeRefused, match=said):
        tried("10.00")


def test_a_code_holds_up_to_its_limits() -> None:
    make_promotion(minimum="10.00", starts_at=NOW, ends_at=NOW + timedelta(seconds=1))
    assert tried("10.00").amount == 1


def test_a_code_of_one_shelf_looks_at_that_and_what_stands_below() -> None:
    kitchen = make_category("Kitchen")
    knives = make_category("Knives", parent=kitchen)
    garden = make_category("Garden")
    make_promotion(category=kitchen, minimum="15")
    goods = [
        Goods(garden.pk, Decimal(50)),
        Goods(knives.pk, Decimal(10)),
        Goods(kitchen.pk, Decimal(5)),
    ]
    discount = discount_for(code="WELCOME10", goods=goods, currency="EUR", user=None, at=NOW)
    assert discount.shares == (0, 1, Decimal("0.50"))
    with pytest.raises(CodeRefused, match="other goods"):
        discount_for(code="WELCOME10", goods=goods[:1], currency="EUR", user=None, at=NOW)
    with pytest.raises(CodeRefused, match=r"15\.00 EUR or more"):
        discount_for(code="WELCOME10", goods=goods[:2], currency="EUR", user=None, at=NOW)


def test_a_use_counts_until_it_is_given_back() -> None:
    promotion, ada, ben = (
        make_promotion(per_user_limit=1, usage_limit=2),
        make_user(),
        make_user("ben"),
    )
    order = make_order(ada, promotion_code="WELCOME10")
    redeem(promotion=promotion, order=order)
    with pytest.raises(CodeRefused, match="used this code"):
        tried("10.00", user=ada)
    with pytest.raises(CodeRefused, match="used this code"):
        redeem(promotion=promotion, order=make_order(ada))
    redeem(promotion=promotion, order=make_order(ben))
    with pytest.raises(CodeRefused, match="used up"):
        tried("10.00", user=make_user("cleo"))
    give_back(order)
    give_back(order)
    assert tried("10.00", user=ada).amount == 1
    assert Redemption.objects.get().user == ben


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": "lower"}, "code"),
        ({"code": "TWO WORDS"}, "code"),
        ({"value": "0"}, "value"),
        ({"value": "100.01"}, "__all__"),
        ({"minimum": "-1"}, "minimum"),
        ({"ends_at": NOW - timedelta(days=9999)}, "__all__"),
        ({"currency": "euro"}, "currency"),
    ],
)
def test_a_promotion_that_cannot_be_is_refused(fields: dict[str, Any], field: str) -> None:
    good = {"code": "GOOD", "kind": "percent", "value": Decimal(10)}
    with pytest.raises(ValidationError) as caught:
        Promotion(**{**good, **fields}).full_clean()
    assert field in caught.value.message_dict


@pytest.mark.parametrize(
    "fields", [{"code": "lower"}, {"code": ""}, {"value": 0}, {"value": 101}, {"minimum": -1}]
)
def test_the_database_refuses_it_too(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Promotion.objects.create(**{"code": "GOOD", "kind": "percent", "value": 10, **fields})
