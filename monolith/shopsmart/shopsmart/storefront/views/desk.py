"""The order desk: what is to be sent, what is on its way, and what comes back. For staff whose role says so."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shopsmart.orders import selectors, services
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order, Return
from shopsmart.orders.states import OrderState
from shopsmart.paging import page_of
from shopsmart.staff import staff_with
from shopsmart.storefront.forms.orders import FindForm, NoteForm, RefusalForm
from shopsmart.storefront.orders_shown import address_of, steps_of, totals_of

WAITING_ON_PAGE = 20
# What is to be done with the orders of a state, by the word in the address.
QUEUES = {
    "to-send": ("To be sent", OrderState.PAID),
    "on-the-way": ("On the way", OrderState.SHIPPED),
}
RETURNS = "returns"
SEES = staff_with("orders.view_order")
WORKS = staff_with("orders.change_order")


@login_required
@SEES
@never_cache
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """One of the queues (`show`), who waits longest first; `number` leads to an order."""
    if "number" in request.GET:
        return _find(request, FindForm(request.GET))
    shown = request.GET.get("show", "to-send")
    if shown == RETURNS:
        waiting = selectors.list_returns()
    elif shown in QUEUES:
        waiting = selectors.list_all_orders(state=QUEUES[shown][1]).order_by("placed_at", "id")
    else:
        raise Http404("There is no such queue.")
    return render(
        request,
        "storefront/desk.html",
        {
            "page": page_of(waiting, request.GET, size=WAITING_ON_PAGE),
            "shown": shown,
            "queues": [
                *((word, label) for word, (label, _) in QUEUES.items()),
                (RETURNS, "Coming back"),
            ],
        },
    )


@login_required
@SEES
@never_cache
@require_safe
def desk_order(request: HttpRequest, number: str) -> HttpResponse:
    """Anybody's order, with what is to be done about it."""
    return _order_page(request, _any_order(number))


@login_required
@WORKS
@require_POST
def ship(request: HttpRequest, number: str) -> HttpResponse:
    """Note that an order has left the house (field `note`)."""
    return _step(request, number, services.ship_order, "is on its way")


@login_required
@WORKS
@require_POST
def deliver(request: HttpRequest, number: str) -> HttpResponse:
    """Note that an order has arrived (field `note`)."""
    return _step(request, number, services.deliver_order, "has arrived")


@login_required
@WORKS
@require_POST
def receive(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what has come: into stock, and its money to the shopper."""
    returned = _return(pk)
    try:
        services.receive_return(returned=returned, by=request.user)
    except WrongState as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It is back in stock, and the money goes back to the card.")
    return redirect("storefront:desk-order", returned.order.number)


@login_required
@WORKS
@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Say no to a return (field `note` says why)."""
    returned = _return(pk)
    form = RefusalForm(request.POST)
    if not form.is_valid():
        shown = _any_order(returned.order.number)
        return _order_page(request, shown, refusal=form, refused=returned)
    try:
        services.refuse_return(returned=returned, by=request.user, note=form.cleaned_data["note"])
    except WrongState as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The return is refused, and the shopper reads why.")
    return redirect("storefront:desk-order", returned.order.number)


def _step(
    request: HttpRequest, number: str, take: Callable[..., Order], became: str
) -> HttpResponse:
    """Take an order a step further, and go back to the queue it came from."""
    found = _any_order(number)
    queue = next((word for word, (_, state) in QUEUES.items() if state == found.state), "to-send")
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _order_page(request, found, note=form)
    try:
        take(order=found, by=request.user, note=form.cleaned_data["note"])
    except WrongState as error:
        messages.error(request, str(error))
        return redirect("storefront:desk-order", number)
    messages.success(request, f"Order {number} {became}. The shopper is told.")
    response = redirect("storefront:desk")
    response["Location"] += f"?show={queue}"
    return response


def _find(request: HttpRequest, form: FindForm) -> HttpResponse:
    if form.is_valid():
        try:
            found = selectors.get_any_order(number=form.cleaned_data["number"].upper())
        except Order.DoesNotExist:
            pass
        else:
            return redirect("storefront:desk-order", found.number)
    messages.error(request, f"There is no order “{request.GET['number']:.40}”.")
    return redirect("storefront:desk")


def _any_order(number: str) -> Order:
    try:
        return selectors.get_any_order(number=number)
    except Order.DoesNotExist as error:
        raise Http404("There is no such order.") from error


def _return(pk: int) -> Return:
    try:
        return Return.objects.select_related("order").get(pk=pk)
    except Return.DoesNotExist as error:
        raise Http404("There is no such return.") from error


def _order_page(
    request: HttpRequest,
    shown: Order,
    *,
    note: NoteForm | None = None,
    refusal: RefusalForm | None = None,
    refused: Return | None = None,
) -> HttpResponse:
    return render(
        request,
        "storefront/desk_order.html",
        {
            "order": shown,
            "steps": steps_of(shown),
            "totals": totals_of(shown),
            "address": address_of(shown),
            "payment": next(iter(shown.payments.all()), None),
            "note_form": note or NoteForm(),
            "returns": [
                (
                    one,
                    refusal
                    if refusal and refused == one
                    else RefusalForm(auto_id=f"id_%s_{one.pk}"),
                )
                for one in shown.returns.all()
            ],
            "has_errors": bool(note or refusal),
        },
    )
