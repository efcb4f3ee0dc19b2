"""What a shopper has bought: the list, each order, cancelling it, sending things back."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shopsmart.orders import selectors, services
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order
from shopsmart.orders.services.returns import RETURN_WITHIN
from shopsmart.orders.states import OrderState, may_become
from shopsmart.paging import page_of
from shopsmart.storefront.forms.orders import CancelForm, ReturnForm
from shopsmart.storefront.orders_shown import (
    WORDS,
    address_of,
    steps_of,
    totals_of,
)

ORDERS_ON_PAGE = 10


@login_required
@never_cache
@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """What the shopper bought, the latest first, in pages; `state` narrows it."""
    state = request.GET.get("state", "")
    if state and state not in OrderState:
        raise Http404("There is no such state.")
    found = selectors.list_orders(user=request.user, state=state)
    return render(
        request,
        "storefront/orders.html",
        {
            "page": page_of(found, request.GET, size=ORDERS_ON_PAGE),
            "state": state,
            "states": [(state.value, word) for state, (word, _) in WORDS.items()],
        },
    )


@login_required
@never_cache
@require_safe
def order(request: HttpRequest, number: str) -> HttpResponse:
    """Everything about an order, and what can still be done about it.

    While nobody knows whether it was paid, looking asks the gateway again.
    """
    shown = find_order(request, number)
    if shown.state == OrderState.PLACED:
        services.look_again(order=shown)
        shown = find_order(request, number)
    return _order_page(request, shown)


@login_required
@require_POST
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Cancel an order that has not left the house (field `reason`)."""
    found = find_order(request, number)
    form = CancelForm(request.POST)
    if not form.is_valid():
        return _order_page(request, found, form)
    try:
        services.cancel_order(order=found, by=request.user, reason=form.cleaned_data["reason"])
    except WrongState as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The order is cancelled. What you paid goes back to your card.")
    return redirect("storefront:order", found.number)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send_back(request: HttpRequest, number: str) -> HttpResponse:
    """Ask what comes back and why; POST announces it."""
    found = find_order(request, number)
    until = _return_until(found)
    form = ReturnForm(request.POST or None, left=selectors.returnable(found))
    if form.is_valid():
        try:
            services.request_return(
                order=found,
                lines=form.chosen,
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except ValidationError as error:
            form.add_error(None, error)
        except WrongState as error:
            messages.error(request, str(error))
            return redirect("storefront:order", found.number)
        else:
            messages.success(
                request, "Your return is announced. Send it; we write to you when it is here."
            )
            return redirect("storefront:order", found.number)
    return render(
        request, "storefront/send_back.html", {"order": found, "form": form, "until": until}
    )


def find_order(request: HttpRequest, number: str) -> Order:
    """One of the shopper's own orders with all that belongs to it; raises Http404 for others' too."""
    try:
        return selectors.get_order(number=number, user=request.user)
    except Order.DoesNotExist as error:
        raise Http404("There is no such order.") from error


def _return_until(order: Order) -> datetime | None:
    """Until when things can be sent back; None where none can."""
    since = order.delivered_at or order.shipped_at
    if since is None or order.state == OrderState.RETURNED:
        return None
    until = since + RETURN_WITHIN
    return until if until > timezone.now() else None


def _order_page(
    request: HttpRequest, shown: Order, cancel_form: CancelForm | None = None
) -> HttpResponse:
    until = _return_until(shown)
    return render(
        request,
        "storefront/order.html",
        {
            "order": shown,
            "steps": steps_of(shown),
            "totals": totals_of(shown),
            "address": address_of(shown),
            "payment": next(iter(shown.payments.all()), None),
            "can_cancel": may_become(shown.state, OrderState.CANCELLED),
            "cancel_form": cancel_form or CancelForm(),
            "return_until": until,
            "can_return": until is not None and any(selectors.returnable(shown).values()),
        },
    )
