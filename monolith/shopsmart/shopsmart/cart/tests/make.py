"""Fills carts."""

from shopsmart.accounts.models import User
from shopsmart.cart.models import Cart
from shopsmart.cart.services import add_to_cart, apply_code
from shopsmart.catalog.models import Variant


def make_cart(user: User | None, lines: dict[Variant, int], code: str = "") -> Cart:
    """A cart with so many of each variant, of a user or of a guest."""
    cart = Cart.objects.filter(user=user).first() if user else None
    cart = cart or Cart(user=user)
    for variant, quantity in lines.items():
        add_to_cart(cart=cart, variant=variant, quantity=quantity)
    if code:
        apply_code(cart=cart, code=code)
    return cart


def contents(cart: Cart) -> dict[Variant, int]:
    """How many of each variant are in a cart now."""
    return {line.variant: line.quantity for line in cart.lines.select_related("variant")}
