"""Which report is asked for, and how it looks. Amounts are strings, as everywhere in the API."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from shopsmart.catalog.models import check_currency
from shopsmart.reports.figures import Dimension, Period
from shopsmart.reports.forms import BY


class SalesQuery(serializers.Serializer):
    first = serializers.DateField(required=False, help_text="29 days before the last, if left out.")
    last = serializers.DateField(required=False, help_text="Inclusive; today, if left out.")
    by = serializers.ChoiceField(choices=BY, default=Dimension.DAY.value, help_text="The rows.")
    currency = serializers.CharField(
        validators=[check_currency], required=False, help_text="The shop's own, if left out."
    )

    def read(self) -> dict[str, Any]:
        """What is asked of `sales_report`. Raises the errors of both frameworks, by field."""
        self.is_valid(raise_exception=True)
        asked = self.validated_data
        period = Period.until(asked.get("last"))
        if "first" in asked:
            period = Period(asked["first"], period.last)
        period.check()
        return {
            "first": period.first,
            "last": period.last,
            "by": Dimension(asked["by"]),
            "currency": asked.get("currency", settings.DEFAULT_CURRENCY),
        }


class FiguresSerializer(serializers.Serializer):
    orders = serializers.IntegerField()
    shoppers = serializers.IntegerField()
    new_shoppers = serializers.IntegerField(help_text="Whose account was made in the period.")
    units = serializers.IntegerField()
    goods = serializers.DecimalField(max_digits=14, decimal_places=2, help_text="At full price.")
    discount = serializers.DecimalField(max_digits=14, decimal_places=2)
    shipping = serializers.DecimalField(max_digits=14, decimal_places=2)
    charged = serializers.DecimalField(
        max_digits=14, decimal_places=2, help_text="Goods less discount, with shipping."
    )
    refunded = serializers.DecimalField(max_digits=14, decimal_places=2)
    net = serializers.DecimalField(
        max_digits=14, decimal_places=2, help_text="What was charged less what was given back."
    )


class RowSerializer(FiguresSerializer):
    key = serializers.CharField(help_text="A date, slug, country or code; empty for the rest.")
    label = serializers.CharField()

    def to_representation(self, row: Any) -> dict[str, Any]:
        return {"key": row.key, "label": row.label, **FiguresSerializer(row.figures).data}


class SalesReportSerializer(serializers.Serializer):
    first = serializers.DateField(source="period.first")
    last = serializers.DateField(source="period.last")
    by = serializers.ChoiceField(choices=BY)
    currency = serializers.CharField()
    rows = RowSerializer(many=True)
    totals = FiguresSerializer(
        help_text="Orders and shoppers of two rows may be the same; these are counted once."
    )
    adds_up = serializers.BooleanField(help_text="Whether orders and payments tell the same.")
