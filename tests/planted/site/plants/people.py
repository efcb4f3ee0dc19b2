"""Who may, who is who, and what their cookies say."""

import copy
from typing import Any

from django.http import HttpRequest, HttpResponse

from planted.site.plant import in_head, instead_of
from shopsmart.accounts import selectors as accounts
from shopsmart.accounts.models import Address
from shopsmart.accounts.views.session import LoginView
from shopsmart.cart.api.authentication import ShopperAuthentication
from shopsmart.orders import selectors as orders
from shopsmart.reports.api import views as reports


@in_head("session-cookie-for-scripts")
def _for_scripts(request: HttpRequest, response: HttpResponse) -> None:
    if "sessionid" in response.cookies:
        response.cookies["sessionid"]["httponly"] = ""


@in_head("session-cookie-twice")
def _twice(request: HttpRequest, response: HttpResponse) -> None:
    if "sessionid" in response.cookies:
        narrow = copy.copy(response.cookies["sessionid"])
        narrow["path"] = "/account"
        # A line of its own, before the others, under a key that is not sent.
        lines = {"narrow": narrow, **response.cookies}
        response.cookies.clear()
        response.cookies.update(lines)


@instead_of(LoginView, "get_redirect_url", "login-forgets-next")
def _nowhere(original: Any, view: Any) -> str:
    return ""


@instead_of(accounts, "get_address", "address-of-anybody")
def _any_address(original: Any, *, user: Any, pk: int) -> Address:
    return Address.objects.get(pk=pk)


@instead_of(orders, "list_orders", "orders-of-everybody")
def _all_orders(original: Any, *, user: Any, state: str = "") -> Any:
    return orders.list_all_orders(state=state)


@instead_of(reports, "may", "reports-for-everybody")
def _may(original: Any, user: Any, permission: str) -> bool:
    return True


@instead_of(ShopperAuthentication, "enforce_csrf", "csrf-not-asked")
def _unasked(original: Any, authentication: Any, request: Any) -> None:
    return None
