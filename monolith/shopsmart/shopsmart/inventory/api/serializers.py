"""The JSON of stock. Anybody learns a word; numbers are for those who keep the stock."""

from rest_framework import serializers

from shopsmart.inventory.models import Movement, StockItem
from shopsmart.inventory.selectors import Availability

MAX_PIECES = 1_000_000


class AvailabilitySerializer(serializers.Serializer):
    sku = serializers.CharField()
    availability = serializers.ChoiceField(Availability.choices)


class StockSerializer(serializers.ModelSerializer):
    sku = serializers.CharField(source="variant.sku")
    available = serializers.IntegerField(help_text="On hand and not reserved.")

    class Meta:
        model = StockItem
        fields = ("sku", "on_hand", "reserved", "available", "low_below")
        extra_kwargs = {
            "on_hand": {"min_value": 0},
            "reserved": {"min_value": 0},
            "low_below": {"min_value": 0},
        }


class MovementSerializer(serializers.ModelSerializer):
    by = serializers.CharField(source="by.username", default=None, allow_null=True)

    class Meta:
        model = Movement
        fields = ("id", "delta", "kind", "reference", "at", "by")


class ReceivedInput(serializers.Serializer):
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_PIECES)
    reference = serializers.CharField(max_length=80, help_text="The delivery note.")


class CountedInput(serializers.Serializer):
    on_hand = serializers.IntegerField(
        min_value=0, max_value=MAX_PIECES, help_text="How many were counted on the shelf."
    )
    reason = serializers.CharField(max_length=80)
