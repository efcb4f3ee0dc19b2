"""Makes stock, and holds the books against each other."""

from itertools import count

from django.db.models import F, Q, Sum

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Variant
from shopsmart.catalog.tests.make import make_product
from shopsmart.inventory.models import MovementKind, Reservation, StockItem
from shopsmart.inventory.services import restock
from shopsmart.orders.models import Order

_numbers = count(1)


def make_stocked(name: str = "Teapot", on_hand: int = 10, price: str = "10.00") -> Variant:
    """A variant of a product of its own, of which so many lie in the store."""
    variant = make_product(name, price, slug=f"p-{next(_numbers)}").variants.get()
    if on_hand:
        restock(lines={variant: on_hand}, kind=MovementKind.RECEIVED, reference="delivery")
    return variant


def make_order(user: User, **fields: object) -> Order:
    """An order that is just placed, without lines."""
    number = f"T-{next(_numbers)}"
    fields = {"subtotal": 10, "total": 10, "number": number, "idempotency_key": number, **fields}
    return Order.objects.create(user=user, **fields)


def stock_of(variant: Variant) -> tuple[int, int]:
    """How many are on hand, and how many of them reserved."""
    return StockItem.objects.values_list("on_hand", "reserved").get(variant=variant)


def assert_books_agree() -> None:
    """Every number on hand is the sum of its movements, every reserved one of its held reservations."""
    moved = Variant.objects.annotate(moved=Sum("movements__delta", default=0))
    wrong = moved.exclude(moved=F("stock__on_hand")).exclude(stock=None, moved=0)
    assert not list(wrong.values_list("sku", "moved", "stock__on_hand"))
    held = Sum("reservations__quantity", filter=Q(reservations__state="held"), default=0)
    reserved = Variant.objects.annotate(held=held)
    wrong = reserved.exclude(held=F("stock__reserved")).exclude(stock=None, held=0)
    assert not list(wrong.values_list("sku", "held", "stock__reserved"))
    assert not Reservation.objects.filter(variant__stock=None).exists()
