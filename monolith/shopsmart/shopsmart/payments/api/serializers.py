"""The JSON of payments. Amounts are strings with two places; of a card there are brand and last digits."""

from decimal import Decimal

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from shopsmart.catalog.api.serializers import MoneySerializer
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.reasons import why_failed
from shopsmart.payments.states import PaymentState


class CardShownSerializer(serializers.Serializer):
    brand = serializers.CharField(source="card_brand")
    last4 = serializers.CharField(source="card_last4")


class RefundSerializer(serializers.ModelSerializer):
    amount = MoneySerializer(source="money")

    class Meta:
        model = Refund
        fields = ("key", "amount", "state", "reason", "refusal_code", "created_at", "settled_at")


class PaymentSerializer(serializers.ModelSerializer):
    order = serializers.CharField(source="order.number", help_text="The order's number.")
    amount = MoneySerializer(source="money")
    refunded = serializers.DecimalField(
        max_digits=10, decimal_places=2, help_text="Of the amount, what goes or went back."
    )
    card = CardShownSerializer(source="*")
    confirmation_url = serializers.CharField(
        help_text="Where the card holder has to say yes; empty unless the state asks for it."
    )
    failed_because = serializers.SerializerMethodField(
        help_text="In words for the shopper; empty unless it was declined or cancelled."
    )
    refunds = RefundSerializer(many=True)

    class Meta:
        model = Payment
        fields = (
            "key",
            "order",
            "amount",
            "refunded",
            "state",
            "card",
            "decline_code",
            "failed_because",
            "confirmation_url",
            "created_at",
            "settled_at",
            "refunds",
        )

    @extend_schema_field(serializers.CharField())
    def get_failed_because(self, payment: Payment) -> str:
        return why_failed(payment)


class PaymentQuery(serializers.Serializer):
    order = serializers.CharField(required=False, max_length=40, help_text="An order's number.")
    state = serializers.ChoiceField(PaymentState.choices, required=False)


class RefundInput(serializers.Serializer):
    amount = serializers.DecimalField(
        max_digits=10,
        decimal_places=2,
        min_value=Decimal("0.01"),
        help_text="At most what is left.",
    )
    reason = serializers.CharField(max_length=120)
