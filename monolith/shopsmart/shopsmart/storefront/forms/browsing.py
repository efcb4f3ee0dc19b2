"""What a search and the filters of a listing ask."""

from decimal import Decimal
from typing import Any

from django import forms

from shopsmart.catalog.models import Brand
from shopsmart.catalog.selectors import ProductOrder

MAX_QUERY_LENGTH = 100

ORDER_LABELS = {
    ProductOrder.RATING: "Best rated",
    ProductOrder.NEWEST: "Newest",
    ProductOrder.PRICE: "Price, low to high",
    ProductOrder.PRICE_DESCENDING: "Price, high to low",
    ProductOrder.NAME: "Name",
}
DEFAULT_ORDER = ProductOrder.RATING


class PriceField(forms.DecimalField):
    """An amount in the shop's currency, as the price columns can hold it."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            min_value=Decimal(0),
            max_digits=10,
            decimal_places=2,
            widget=forms.NumberInput(attrs={"inputmode": "decimal"}),
        )


class QueryForm(forms.Form):
    """What is searched for; asked before the filters, since these depend on it."""

    q = forms.CharField(label="Search the shop", required=False, max_length=MAX_QUERY_LENGTH)


class ListingForm(forms.Form):
    """Narrows and sorts a list. A value that is wrong is told and does not narrow."""

    min_price = PriceField("From")
    max_price = PriceField("To")
    rating = forms.TypedChoiceField(
        label="Rating",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "Any"), ("4", "4 stars and more"), ("3", "3 stars and more")],
        widget=forms.RadioSelect,
    )
    brand = forms.TypedChoiceField(
        label="Brand", required=False, empty_value=None, widget=forms.RadioSelect
    )
    sort = forms.TypedChoiceField(
        required=False,
        coerce=ProductOrder,
        empty_value=DEFAULT_ORDER,
        choices=[(order.value, label) for order, label in ORDER_LABELS.items()],
        widget=forms.HiddenInput,
    )

    def __init__(self, *args: Any, brands: list[Brand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["brand"].choices = [
            ("", "Any"),
            *((brand.slug, f"{brand.name} ({brand.found})") for brand in brands),
        ]
        self.fields["brand"].coerce = {brand.slug: brand for brand in brands}.__getitem__

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        lowest, highest = cleaned.get("min_price"), cleaned.get("max_price")
        if lowest is not None and highest is not None and lowest > highest:
            self.add_error("max_price", "This is below the lowest price.")
        return cleaned
