"""Orders as the order desk sees them: nothing is typed over; what is done goes through `services`."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from shopsmart.looked_at import LookedAt
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order, OrderEvent, OrderLine, Return, ReturnLine
from shopsmart.orders.services import (
    cancel_order,
    deliver_order,
    receive_return,
    ship_order,
)


class PartInline(LookedAt, admin.TabularInline):
    extra = 0


class Stepwise(admin.ModelAdmin):
    """May be changed, but by its actions alone: no field is typed over."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write nothing: the row was read before the form came, and may have taken a step since."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OrderLineInline(PartInline):
    model = OrderLine
    fields = (
        "sku",
        "product_name",
        "variant_name",
        "quantity",
        "unit_price",
        "line_total",
        "discount",
    )


class OrderEventInline(PartInline):
    model = OrderEvent
    fields = ("state", "at", "by", "note")


class ReturnLineInline(PartInline):
    model = ReturnLine
    fields = ("order_line", "quantity")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReturnLine]:
        return super().get_queryset(request).select_related("order_line")


def each(
    request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], object], done: str
) -> None:
    """Do something to each row by itself, and say how many it was done to and which refused."""
    count = 0
    for row in rows:
        try:
            act(row)
        except WrongState as error:
            messages.error(request, str(error))
        else:
            count += 1
    if count:
        messages.success(request, f"{count} {done}.")


@admin.register(Order)
class OrderAdmin(Stepwise):
    list_display = ("number", "user", "state", "total", "currency", "ship_country", "placed_at")
    list_filter = ("state", "ship_country")
    list_select_related = ("user",)
    search_fields = ("number", "user__username", "user__email", "ship_name")
    search_help_text = "A number, a shopper's name or address."
    date_hierarchy = "placed_at"
    inlines = (OrderLineInline, OrderEventInline)
    actions = ("ship", "deliver", "cancel")

    @admin.action(description="Ship the selected orders", permissions=["change"])
    def ship(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        each(request, orders, lambda order: ship_order(order=order, by=request.user), "shipped")

    @admin.action(description="Note that the selected orders arrived", permissions=["change"])
    def deliver(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        each(
            request, orders, lambda order: deliver_order(order=order, by=request.user), "delivered"
        )

    @admin.action(description="Cancel the selected orders", permissions=["change"])
    def cancel(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        def act(order: Order) -> None:
            cancel_order(order=order, by=request.user, reason="Cancelled by the shop.")

        each(request, orders, act, "cancelled")


@admin.register(Return)
class ReturnAdmin(Stepwise):
    list_display = ("order", "state", "reason", "refund_amount", "requested_at", "settled_at")
    list_filter = ("state",)
    list_select_related = ("order",)
    search_fields = ("order__number", "reason")
    date_hierarchy = "requested_at"
    inlines = (ReturnLineInline,)
    actions = ("receive",)

    @admin.action(description="Take the selected returns back", permissions=["change"])
    def receive(self, request: HttpRequest, returns: QuerySet[Return]) -> None:
        each(
            request,
            returns,
            lambda returned: receive_return(returned=returned, by=request.user),
            "taken back",
        )
