from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from shopsmart.catalog.models import PriceChange, Product, Review
from shopsmart.catalog.services import (
    add_review,
    average_rating,
    change_price,
    refresh_ratings,
    set_review_published,
)
from shopsmart.catalog.tests.make import make_product, make_review, make_user

pytestmark = pytest.mark.django_db


def rating(product: Product) -> tuple[Decimal | None, int]:
    product.refresh_from_db()
    return product.rating_average, product.rating_count


def test_a_changed_price_leaves_its_history() -> None:
    variant = make_product("Teapot", "10.00").variants.get()
    at = datetime(2026, 1, 2, tzinfo=UTC)
    change = change_price(variant=variant, amount=Decimal("12.345"), reason="Spring", at=at)
    variant.refresh_from_db()
    assert variant.price_amount == Decimal("12.35")
    assert change is not None
    change.refresh_from_db()
    assert (change.old_amount, change.new_amount, change.currency, change.changed_at) == (
        Decimal("10.00"),
        Decimal("12.35"),
        "EUR",
        at,
    )


def test_the_same_price_again_changes_nothing() -> None:
    variant = make_product("Teapot", "10.00").variants.get()
    assert change_price(variant=variant, amount=Decimal("10.001"), reason="Spring") is None
    assert not PriceChange.objects.exists()


def test_a_second_change_continues_from_what_the_first_left() -> None:
    variant = make_product("Teapot", "10.00").variants.get()
    stale = type(variant).objects.get(pk=variant.pk)
    change_price(variant=variant, amount=Decimal(11), reason="one")
    change_price(variant=stale, amount=Decimal(12), reason="two")
    assert list(PriceChange.objects.order_by("id").values_list("old_amount", "new_amount")) == [
        (Decimal(10), Decimal(11)),
        (Decimal(11), Decimal(12)),
    ]


def test_a_former_price_that_is_no_longer_higher_goes() -> None:
    variant = make_product("Teapot", "10.00").variants.get()
    variant.compare_at_amount = Decimal(15)
    variant.save()
    change_price(variant=variant, amount=Decimal(14), reason="up")
    variant.refresh_from_db()
    assert variant.compare_at_amount == Decimal(15)
    change_price(variant=variant, amount=Decimal(15), reason="up again")
    variant.refresh_from_db()
    assert variant.compare_at_amount is None


@pytest.mark.parametrize(("amount", "reason"), [("-1", "down"), ("1e9", "up"), ("5", "")])
def test_a_price_that_cannot_be_changes_neither_price_nor_history(amount: str, reason: str) -> None:
    variant = make_product("Teapot", "10.00").variants.get()
    with pytest.raises(ValidationError):
        change_price(variant=variant, amount=Decimal(amount), reason=reason)
    variant.refresh_from_db()
    assert variant.price_amount == Decimal("10.00")
    assert not PriceChange.objects.exists()


def test_a_review_moves_the_rating() -> None:
    product = make_product()
    for name, stars in (("ada", 5), ("ben", 4), ("cleo", 4)):
        add_review(product=product, author=make_user(name), rating=stars, title="Good", body="")
    assert rating(product) == (Decimal("4.33"), 3)


def test_a_second_review_by_the_same_shopper_is_refused() -> None:
    product, ada = make_product(), make_user()
    add_review(product=product, author=ada, rating=5, title="Good", body="")
    with pytest.raises(ValidationError, match="reviewed this product already"):
        add_review(product=product, author=ada, rating=1, title="Bad", body="")
    assert rating(product) == (Decimal("5.00"), 1)


@pytest.mark.parametrize(("stars", "title"), [(0, "Good"), (6, "Good"), (3, ""), (3, "x" * 121)])
def test_a_review_that_cannot_be_is_refused(stars: int, title: str) -> None:
    with pytest.raises(ValidationError):
        add_review(product=make_product(), author=make_user(), rating=stars, title=title, body="")
    assert not Review.objects.exists()


def test_a_hidden_review_does_not_count() -> None:
    product = make_product()
    kept = make_review(product, make_user("ada"), 5)
    hidden = make_review(product, make_user("ben"), 1)
    assert rating(product) == (Decimal("3.00"), 2)
    set_review_published(review=hidden, is_published=False)
    assert rating(product) == (Decimal("5.00"), 1)
    kept.delete()
    assert rating(product) == (None, 0)
    set_review_published(review=hidden, is_published=True)
    assert rating(product) == (Decimal("1.00"), 1)


def test_a_shopper_who_leaves_takes_the_reviews_along() -> None:
    product = make_product()
    ada = make_user()
    make_review(product, ada)
    ada.delete()
    assert rating(product) == (None, 0)


def test_what_signals_miss_is_mended_by_refreshing() -> None:
    product = make_product()
    make_review(product, make_user(), 5)
    Review.objects.update(rating=2)
    assert rating(product) == (Decimal("5.00"), 1)
    refresh_ratings(product_ids=[product.pk])
    assert rating(product) == (Decimal("2.00"), 1)


@pytest.mark.parametrize(
    ("total", "count", "average"), [(0, 0, None), (9, 2, "4.50"), (13, 3, "4.33"), (25, 8, "3.13")]
)
def test_averages_are_rounded_half_up(total: int, count: int, average: str | None) -> None:
    assert average_rating(total=total, count=count) == (average and Decimal(average))
