"""Gives guests what they chose back when they log in, whichever page, API or admin they log in by."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from shopsmart.accounts.models import User
from shopsmart.cart.services import guest_cart, merge_carts


@receiver(user_logged_in)
def take_cart_along(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Merge the guest's cart, if there is one, into the user's."""
    guest = guest_cart(request)
    if guest is not None:
        request.cart = merge_carts(guest=guest, user=user)
