"""Which report somebody asks for."""

from typing import Any

from django import forms
from django.conf import settings

from shopsmart.reports.figures import Dimension, Period
from shopsmart.reports.sales import currencies

BY = [
    (Dimension.DAY.value, "day"),
    (Dimension.CATEGORY.value, "category"),
    (Dimension.BRAND.value, "brand"),
    (Dimension.COUNTRY.value, "country"),
    (Dimension.PROMOTION.value, "promotion"),
]


class SalesForm(forms.Form):
    """A period, and what the rows are. What is left out is the last thirty days, by day."""

    first = forms.DateField(label="From", widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    last = forms.DateField(label="To", widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    by = forms.ChoiceField(label="By", choices=BY)
    currency = forms.ChoiceField(label="In")

    def __init__(self, asked: Any) -> None:
        period = Period.until()
        usual = {
            "first": period.first.isoformat(),
            "last": period.last.isoformat(),
            "by": Dimension.DAY.value,
            "currency": settings.DEFAULT_CURRENCY,
        }
        super().__init__({**usual, **{name: asked[name] for name in usual if name in asked}})
        known = sorted({settings.DEFAULT_CURRENCY, *currencies()})
        self.fields["currency"].choices = [(code, code) for code in known]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "first" in cleaned and "last" in cleaned:
            Period(cleaned["first"], cleaned["last"]).check()
        return cleaned

    @property
    def wanted(self) -> dict[str, Any]:
        """What `sales_report` is asked for, once the form is valid."""
        return {**self.cleaned_data, "by": Dimension(self.cleaned_data["by"])}
