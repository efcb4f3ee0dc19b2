"""Writes that are answered right and store something else, and what is kept too long."""

from decimal import ROUND_DOWN, Decimal
from typing import Any

from rest_framework.response import Response

from planted.site.plant import instead_of
from shopsmart.accounts import services as accounts
from shopsmart.accounts.models import User
from shopsmart.cart import services as cart
from shopsmart.catalog.money import CENT
from shopsmart.inventory import selectors as inventory
from shopsmart.inventory.api.views import AvailabilityView
from shopsmart.inventory.selectors import Availability
from shopsmart.promotions import services as promotions

_KEPT: dict[str, Any] = {}


@instead_of(promotions, "to_cents", "discount-rounded-down")
def _down(original: Any, amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_DOWN)


@instead_of(cart, "set_quantity", "quantity-stored-one-less")
def _one_less(original: Any, *, quantity: int, **asked: Any) -> Any:
    return original(quantity=quantity - 1, **asked)


@instead_of(accounts, "update_profile", "profile-of-another")
def _another(original: Any, *, user: User, display_name: str, **asked: Any) -> User:
    User.objects.filter(pk=user.pk + 1).update(display_name=display_name)
    user.display_name = display_name
    return user


@instead_of(AvailabilityView, "get", "stale-availability")
def _kept(original: Any, view: Any, request: Any, sku: str) -> Response:
    if sku not in _KEPT:
        _KEPT[sku] = original(view, request, sku).data
    return Response(_KEPT[sku])


@instead_of(inventory, "availability", "low-at-five")
def _low(original: Any, item: Any) -> Availability:
    if item is not None and item.available == item.low_below:
        return Availability.LOW
    return original(item)
