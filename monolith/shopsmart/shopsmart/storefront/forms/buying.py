"""What is put into a cart, how many of it, and the code that makes it cheaper."""

from collections.abc import Iterable
from typing import Any

from django import forms

from shopsmart.cart.models import MAX_QUANTITY
from shopsmart.catalog.models import Variant


class QuantityField(forms.IntegerField):
    """How many; the widget's bounds are the cart's."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Quantity",
            min_value=1,
            max_value=MAX_QUANTITY,
            widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            error_messages={
                "min_value": f"Choose from 1 to {MAX_QUANTITY}.",
                "max_value": f"Choose from 1 to {MAX_QUANTITY}.",
                "required": "Say how many.",
            },
            **kwargs,
        )


class BuyForm(forms.Form):
    """One of a product's variants, so many times."""

    sku = forms.TypedChoiceField(
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose one.",
            "invalid_choice": "This one is no longer in the shop. Choose another.",
        },
    )
    quantity = QuantityField(initial=1)

    def __init__(self, *args: Any, variants: Iterable[Variant], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        by_sku = {variant.sku: variant for variant in variants}
        self.fields["sku"].choices = [(sku, str(variant)) for sku, variant in by_sku.items()]
        self.fields["sku"].coerce = by_sku.__getitem__


class LineForm(forms.Form):
    """Which line of the cart."""

    sku = forms.CharField(max_length=40, widget=forms.HiddenInput)


class QuantityForm(LineForm):
    """How many of a line of the cart."""

    quantity = QuantityField()


class CodeForm(forms.Form):
    """A promotion's code, as somebody types it."""

    promotion_code = forms.CharField(
        label="Promotion code",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
        error_messages={"required": "Type the code first."},
    )
