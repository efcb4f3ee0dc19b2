import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.catalog.tests.make import make_product, make_user
from shopsmart.inventory.errors import OutOfStock
from shopsmart.inventory.models import (
    Movement,
    MovementKind,
    Reservation,
    ReservationState,
    StockItem,
)
from shopsmart.inventory.selectors import Availability, availability_of
from shopsmart.inventory.services import correct, release, reserve, restock, take
from shopsmart.inventory.tests.make import (
    assert_books_agree,
    make_order,
    make_stocked,
    stock_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user()


def test_a_reservation_holds_stock_and_moves_nothing(ada: User) -> None:
    pot, cup = make_stocked("Pot", 10), make_stocked("Cup", 3)
    reserve(order=make_order(ada), lines={pot: 4, cup: 3})
    assert (stock_of(pot), stock_of(cup)) == ((10, 4), (3, 3))
    assert not Movement.objects.filter(kind=MovementKind.SOLD).exists()
    assert_books_agree()


def test_what_is_short_is_named_and_nothing_is_held(ada: User) -> None:
    pot, cup, never = make_stocked("Pot", 10), make_stocked("Cup", 3), make_stocked("Lid", 0)
    reserve(order=make_order(ada), lines={cup: 1})
    with pytest.raises(OutOfStock) as caught:
        reserve(order=make_order(ada), lines={pot: 4, cup: 3, never: 1})
    short = [(line.variant, line.wanted, line.available) for line in caught.value.lines]
    assert short == [(cup, 3, 2), (never, 1, 0)]
    assert str(caught.value) == "Only 2 of Cup are left. Lid is sold out."
    assert (stock_of(pot), stock_of(cup)) == ((10, 0), (3, 1))
    assert_books_agree()


def test_taken_stock_is_sold_and_gone_once(ada: User) -> None:
    pot, order = make_stocked("Pot", 10), make_order(ada)
    reserve(order=order, lines={pot: 4})
    take(order=order)
    take(order=order)
    release(order=order)
    assert stock_of(pot) == (6, 0)
    sold = Movement.objects.get(kind=MovementKind.SOLD)
    assert (sold.delta, sold.reference) == (-4, order.number)
    assert Reservation.objects.get().state == ReservationState.TAKEN
    assert_books_agree()


def test_released_stock_is_there_again_once(ada: User) -> None:
    pot, order = make_stocked("Pot", 10), make_order(ada)
    reserve(order=order, lines={pot: 4})
    release(order=order)
    release(order=order)
    take(order=order)
    assert stock_of(pot) == (10, 0)
    assert Reservation.objects.get().state == ReservationState.RELEASED
    assert_books_agree()


def test_what_comes_in_is_written_down(ada: User) -> None:
    pot, cup = make_stocked("Pot", 1), make_product("Cup", "1").variants.get()
    restock(lines={pot: 2, cup: 5}, kind=MovementKind.RETURNED, reference="S-1", by=ada)
    assert (stock_of(pot), stock_of(cup)) == ((3, 0), (5, 0))
    assert Movement.objects.filter(by=ada, reference="S-1").count() == 2
    assert_books_agree()


@pytest.mark.parametrize(
    ("quantity", "reference", "field"), [(0, "S-1", "quantity"), (-1, "S-1", "quantity"), (1, "", "reference")]
)  # fmt: skip
def test_what_cannot_come_in_changes_nothing(quantity: int, reference: str, field: str) -> None:
    pot = make_stocked("Pot", 1)
    with pytest.raises(ValidationError) as caught:
        restock(lines={pot: quantity}, kind=MovementKind.RECEIVED, reference=reference)
    assert set(caught.value.message_dict) == {field}
    assert stock_of(pot) == (1, 0)


def test_a_count_on_the_shelf_corrects_the_books(ada: User) -> None:
    pot = make_stocked("Pot", 10)
    movement = correct(variant=pot, on_hand=8, by=ada, reason="Two broke.")
    assert movement is not None
    assert (movement.delta, movement.kind, movement.by) == (-2, MovementKind.CORRECTED, ada)
    assert correct(variant=pot, on_hand=8, by=ada, reason="Counted again.") is None
    assert stock_of(pot) == (8, 0)
    assert_books_agree()


def test_what_is_reserved_cannot_be_counted_away(ada: User) -> None:
    pot = make_stocked("Pot", 10)
    reserve(order=make_order(ada), lines={pot: 4})
    with pytest.raises(ValidationError, match="4 are reserved"):
        correct(variant=pot, on_hand=3, by=ada, reason="Gone.")
    with pytest.raises(ValidationError):
        correct(variant=pot, on_hand=5, by=ada, reason="")
    assert stock_of(pot) == (10, 4)
    assert_books_agree()


def test_the_database_refuses_books_that_cannot_be(ada: User) -> None:
    pot = make_stocked("Pot", 2)
    for change in ({"reserved": 3}, {"on_hand": -1}, {"reserved": -1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            StockItem.objects.update(**change)
    for kind, delta in [("sold", 1), ("received", -1), ("returned", 0), ("corrected", 0)]:
        with pytest.raises(IntegrityError), transaction.atomic():
            Movement.objects.create(variant=pot, kind=kind, delta=delta, reference="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        Reservation.objects.create(order=make_order(ada), variant=pot, quantity=0)


def test_history_is_not_rewritten() -> None:
    make_stocked("Pot", 2)
    movement = Movement.objects.get()
    movement.delta = 5
    with pytest.raises(TypeError, match="history"):
        movement.save()


def test_the_words_for_stock(ada: User) -> None:
    many, few, none, never = (make_stocked("x", count) for count in (5, 4, 1, 0))
    reserve(order=make_order(ada), lines={none: 1})
    assert availability_of(variant_ids=[v.pk for v in (many, few, none, never)]) == {
        many.pk: Availability.IN_STOCK,
        few.pk: Availability.LOW,
        none.pk: Availability.SOLD_OUT,
        never.pk: Availability.SOLD_OUT,
    }


def test_many_lines_cost_as_many_queries_as_one(
    ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lines = {make_stocked(f"Pot {n}", 9): 2 for n in range(30)}
    order = make_order(ada)
    with django_assert_num_queries(5):  # savepoint, lock, count, hold, release of the savepoint
        reserve(order=order, lines=lines)
    with django_assert_num_queries(7):
        take(order=order)
    with django_assert_num_queries(6):
        restock(lines=lines, kind=MovementKind.RETURNED, reference=order.number)
