"""Who has a cart: people with a session, programs with a token, and guests with a cart's cookie."""

from drf_spectacular.authentication import SessionScheme
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from shopsmart.accounts.models import User
from shopsmart.cart.services import COOKIE


class ShopperAuthentication(SessionAuthentication):
    """The session, as everywhere; and the CSRF token of guests too, whose browsers send the cart's cookie."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found = super().authenticate(request)
        if found is None and request.method not in SAFE_METHODS and COOKIE in request.COOKIES:
            self.enforce_csrf(request)
        return found


class ShopperScheme(SessionScheme):
    """Tells the schema that this is a session cookie like any other, and that guests do without."""

    target_class = ShopperAuthentication
    name = "shopperCookieAuth"
