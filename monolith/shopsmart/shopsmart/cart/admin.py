"""Carts as staff see them, when a shopper calls and asks: to look at, not to touch."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest

from shopsmart.cart.models import Cart, CartLine
from shopsmart.looked_at import LookedAt


class CartLineInline(LookedAt, admin.TabularInline):
    model = CartLine
    fields = ("variant", "quantity")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CartLine]:
        return super().get_queryset(request).select_related("variant__product")


@admin.register(Cart)
class CartAdmin(LookedAt, admin.ModelAdmin):
    list_display = ("id", "user", "quantity", "promotion_code", "updated_at")
    list_filter = (("user", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    date_hierarchy = "updated_at"
    fields = ("user", "promotion_code", "updated_at")
    inlines = (CartLineInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cart]:
        return super().get_queryset(request).annotate(Sum("lines__quantity", default=0))

    @admin.display(ordering="lines__quantity__sum")
    def quantity(self, cart: Any) -> int:
        return int(cart.lines__quantity__sum)
