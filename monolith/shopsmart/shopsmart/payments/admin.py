"""Payments are looked at here and changed nowhere: the money is the gateway's, and `services` ask it."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from shopsmart.payments.models import Payment, Refund


class _LookedAt:
    """Nothing is added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class RefundInline(_LookedAt, admin.TabularInline):
    model = Refund
    extra = 0
    fields = ("amount", "state", "reason", "refusal_code", "created_at", "settled_at", "attempts")


@admin.register(Payment)
class PaymentAdmin(_LookedAt, admin.ModelAdmin):
    list_display = (
        "created_at",
        "order",
        "amount",
        "currency",
        "refunded",
        "state",
        "decline_code",
        "card",
    )
    list_filter = ("state", "card_brand", "decline_code")
    list_select_related = ("order",)
    search_fields = ("order__number", "key", "gateway_id")
    search_help_text = "An order's number, or a payment's key or id at the gateway."
    date_hierarchy = "created_at"
    list_per_page = 50
    inlines = (RefundInline,)

    @admin.display(description="card")
    def card(self, payment: Payment) -> str:
        return f"{payment.card_brand} …{payment.card_last4}" if payment.card_last4 else ""


@admin.register(Refund)
class RefundAdmin(_LookedAt, admin.ModelAdmin):
    list_display = ("created_at", "order", "amount", "state", "reason", "refusal_code")
    list_filter = ("state", "refusal_code")
    search_fields = ("payment__order__number", "key", "gateway_id")
    search_help_text = "An order's number, or a refund's key or id at the gateway."
    date_hierarchy = "created_at"
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment__order")

    @admin.display(description="order", ordering="payment__order__number")
    def order(self, refund: Refund) -> str:
        return str(refund.payment.order)
