"""Promotions as staff see them. A code that was used stays; switch it off instead."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from shopsmart.promotions.models import Promotion
from shopsmart.promotions.services import normalise_code


class PromotionForm(ModelForm):
    def clean_code(self) -> str:
        """The code as it is stored, whatever the case it was typed in."""
        return normalise_code(self.cleaned_data["code"])


@admin.register(Promotion)
class PromotionAdmin(admin.ModelAdmin):
    form = PromotionForm
    list_display = (
        "code",
        "kind",
        "value",
        "currency",
        "starts_at",
        "ends_at",
        "uses",
        "is_active",
    )
    list_filter = ("is_active", "kind", "category")
    search_fields = ("code",)
    search_help_text = "A code, or a part of it."
    date_hierarchy = "starts_at"
    autocomplete_fields = ("category",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Promotion]:
        return super().get_queryset(request).annotate(Count("redemptions"))

    @admin.display(ordering="redemptions__count")
    def uses(self, promotion: Any) -> int:
        return int(promotion.redemptions__count)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only what no order refers to may go."""
        used = obj is not None and obj.redemptions.exists()
        return not used and super().has_delete_permission(request, obj)
