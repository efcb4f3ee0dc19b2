"""Tells a guest's browser which cart is theirs, and lets go of that once they have logged in."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from shopsmart.cart.services import COOKIE, COOKIE_SALT

COOKIE_MAX_AGE_S = 90 * 24 * 3600


class CartCookieMiddleware:
    """Sets and deletes the signed cookie `cart`, on answers to which a cart mattered and on no others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and look at the cart that the view looked at."""
        response = self.get_response(request)
        cart = getattr(request, "cart", None)
        if cart is None:
            return response
        patch_vary_headers(response, ("Cookie",))
        known = request.get_signed_cookie(COOKIE, default=None, salt=COOKIE_SALT)
        if cart.user_id is not None and COOKIE in request.COOKIES:
            response.delete_cookie(COOKIE, samesite="Lax")
        elif cart.user_id is None and cart.pk is not None and known != cart.key.hex:
            response.set_signed_cookie(
                COOKIE,
                cart.key.hex,
                salt=COOKIE_SALT,
                max_age=COOKIE_MAX_AGE_S,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
