"""Stock as its keepers see it. Numbers change through `services` only, so that each change is a movement."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest

from shopsmart.catalog.admin import FoldedSearch
from shopsmart.inventory.models import Movement, Reservation, StockItem
from shopsmart.inventory.services import correct
from shopsmart.looked_at import LookedAt


class StockForm(forms.ModelForm):
    """How many were counted, and why that is not what the books say."""

    on_hand = forms.IntegerField(min_value=0, help_text="As counted on the shelf.")
    reason = forms.CharField(
        max_length=80, required=False, help_text="Needed where the count differs from the books."
    )

    class Meta:
        model = StockItem
        fields = ("low_below",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("on_hand", self.instance.on_hand)

    def clean(self) -> dict[str, Any]:
        """Refuse a count that `correct` would refuse, in the form rather than afterwards."""
        cleaned = super().clean() or {}
        on_hand = cleaned.get("on_hand", self.instance.on_hand)
        if on_hand != self.instance.on_hand and not cleaned.get("reason"):
            raise ValidationError({"reason": "Say why the count differs from the books."})
        if on_hand < self.instance.reserved:
            said = f"{self.instance.reserved} are reserved for orders."
            raise ValidationError({"on_hand": said})
        return cleaned


class LowFilter(admin.SimpleListFilter):
    """Only what runs out."""

    title = "available"
    parameter_name = "low"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "low or sold out")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StockItem]) -> QuerySet[StockItem]:
        if self.value() != "1":
            return queryset
        return queryset.filter(on_hand__lt=F("reserved") + F("low_below"))


@admin.register(StockItem)
class StockItemAdmin(FoldedSearch, admin.ModelAdmin):
    form = StockForm
    list_display = ("variant", "sku", "on_hand", "reserved", "available", "low_below")
    list_filter = (LowFilter,)
    list_select_related = ("variant__product",)
    search_fields = ("variant__sku", "variant__product__search_text")
    fields = ("variant", "on_hand", "reason", "reserved", "low_below")
    readonly_fields = ("variant", "reserved")

    @admin.display(ordering="variant__sku")
    def sku(self, item: StockItem) -> str:
        return item.variant.sku

    def save_model(
        self, request: HttpRequest, obj: StockItem, form: StockForm, change: bool
    ) -> None:
        """Correct the number on hand through its service; keep the rest."""
        StockItem.objects.filter(pk=obj.pk).update(low_below=obj.low_below)
        if "on_hand" not in form.changed_data:
            return
        try:
            correct(
                variant=obj.variant,
                on_hand=form.cleaned_data["on_hand"],
                by=request.user,
                reason=form.cleaned_data["reason"],
            )
        except ValidationError as error:
            # Somebody bought some between the form's own check and now.
            messages.error(request, " ".join(error.messages))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Movement)
class MovementAdmin(LookedAt, admin.ModelAdmin):
    list_display = ("variant", "delta", "kind", "reference", "at", "by")
    list_filter = ("kind",)
    list_select_related = ("variant__product", "by")
    search_fields = ("variant__sku", "reference")
    date_hierarchy = "at"


@admin.register(Reservation)
class ReservationAdmin(LookedAt, admin.ModelAdmin):
    list_display = ("order", "variant", "quantity", "state", "created_at")
    list_filter = ("state",)
    list_select_related = ("order", "variant__product")
    search_fields = ("variant__sku", "order__number")
