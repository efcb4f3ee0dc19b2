"""The checkout: where to, with which card, and what comes of it. Buying itself is `orders.place_order`."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from shopsmart.accounts import services as accounts
from shopsmart.accounts.models import Address
from shopsmart.accounts.selectors import list_addresses
from shopsmart.accounts.throttling import CheckoutThrottle, limit_posts
from shopsmart.cart.selectors import cart_summary
from shopsmart.cart.services import cart_of
from shopsmart.catalog.money import written
from shopsmart.inventory.errors import OutOfStock
from shopsmart.orders import services as orders
from shopsmart.orders.errors import TotalChanged
from shopsmart.orders.models import Order
from shopsmart.orders.states import OrderState
from shopsmart.payments.reasons import why_failed
from shopsmart.payments.states import PaymentState
from shopsmart.storefront.forms.checkout import CheckoutForm, NewAddressForm
from shopsmart.storefront.orders_shown import address_of
from shopsmart.storefront.views.orders import find_order


@sensitive_post_parameters("number", "expiry", "cvc")
@login_required
@limit_posts(CheckoutThrottle)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    """Ask for address and card beside what will be charged; POST buys what is in the cart.

    `address` in the query suggests one of the book, for who tries again with another card.
    """
    book = list(list_addresses(user=request.user))
    if request.method != "POST":
        suggested = {"address": request.GET.get("address")}
        form = CheckoutForm(book=book, initial=suggested)
        return _checkout_page(request, form, NewAddressForm(), book)
    form = CheckoutForm(request.POST, book=book)
    typed = NewAddressForm(request.POST if form.wants_another else None)
    if form.is_valid() and (address := _address(request, form, typed)) is not None:
        try:
            return _buy(request, form, address)
        except TotalChanged as error:
            said = (
                f"Nothing was bought: the total is {written(error.total)} now. Is that all right?"
            )
            form.add_error(None, said)
    return _checkout_page(request, form, typed, book)


@login_required
@never_cache
@require_safe
def payment(request: HttpRequest, number: str) -> HttpResponse:
    """What came of the payment, the gateway asked once more where nobody knew; card holders are led back here."""
    before = find_order(request, number)
    order = orders.look_again(order=before)
    paid = order.payments.latest("created_at")
    if order.state == OrderState.PLACED or paid.state != PaymentState.APPROVED:
        return render(
            request,
            "storefront/payment.html",
            {
                "order": order,
                "payment": paid,
                "why": why_failed(paid),
                "address": _in_the_book(request, order),
            },
        )
    if before.state == OrderState.PLACED:
        _thank(request, order)
    return redirect("storefront:order", order.number)


def _address(request: HttpRequest, form: CheckoutForm, typed: NewAddressForm) -> Address | None:
    """The address that was chosen, or typed and kept; None, with errors beside its fields, for none."""
    if not form.wants_another:
        return form.cleaned_data["address"]
    if typed.is_valid():
        try:
            return accounts.add_address(user=request.user, **typed.cleaned_data)
        except ValidationError as error:
            typed.add_error(None, error)
    return None


def _buy(request: HttpRequest, form: CheckoutForm, address: Address) -> HttpResponse:
    """Place the order, and lead on to what came of it; raises TotalChanged."""
    try:
        order = orders.place_order(
            user=request.user,
            address=address,
            card=form.cleaned_data["card"],
            idempotency_key=str(form.cleaned_data["key"]),
            return_url=lambda order: request.build_absolute_uri(_payment_url(order)),
            seen_total=form.cleaned_data["seen_total"],
        )
    except (OutOfStock, ValidationError) as error:
        for said in error.messages if isinstance(error, ValidationError) else [str(error)]:
            messages.error(request, f"Nothing was bought. {said}")
        return redirect("storefront:cart")
    if order.state == OrderState.PAID:
        _thank(request, order)
        return redirect("storefront:order", order.number)
    asked = order.payments.latest("created_at")
    if asked.state == PaymentState.NEEDS_CONFIRMATION:
        return redirect(asked.confirmation_url)
    return redirect(_payment_url(order))


def _in_the_book(request: HttpRequest, order: Order) -> Address | None:
    """The address of the shopper's book that an order goes to; None where it is no longer there."""
    wanted = str(address_of(order))
    book = list_addresses(user=request.user)
    return next((address for address in book if str(address) == wanted), None)


def _payment_url(order: Order) -> str:
    return reverse("storefront:payment", args=[order.number])


def _thank(request: HttpRequest, order: Order) -> None:
    messages.success(request, "Thank you. Your order is paid, and we get it ready to be sent.")


def _checkout_page(
    request: HttpRequest, form: CheckoutForm, typed: NewAddressForm, book: list[Address]
) -> HttpResponse:
    summary = cart_summary(cart_of(request))
    if not summary.lines or summary.problems:
        if summary.problems:
            messages.error(request, "See what is marked below before you go on to the checkout.")
        return redirect("storefront:cart")
    # The key stays with a form that was refused, since nothing was bought with it.
    key = (form.is_bound and form.cleaned_data.get("key")) or uuid.uuid4()
    return render(
        request,
        "storefront/checkout.html",
        {
            "summary": summary,
            "lines": [(line, form.seen_price(line)) for line in summary.lines],
            "form": form,
            "typed": typed,
            "book": book,
            "key": key,
        },
    )
