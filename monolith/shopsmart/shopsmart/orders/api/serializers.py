"""The JSON of orders. Amounts are strings with two places, in the order's one currency."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from shopsmart.accounts.api.serializers import AddressInput
from shopsmart.accounts.models import Address
from shopsmart.catalog.api.serializers import MoneySerializer
from shopsmart.orders.models import MAX_QUANTITY, Order, OrderEvent, OrderLine, Return
from shopsmart.orders.states import OrderState
from shopsmart.payments.api.serializers import PaymentSerializer
from shopsmart.payments.cards import read_card


class ShipToSerializer(serializers.Serializer):
    name = serializers.CharField(source="ship_name")
    line1 = serializers.CharField(source="ship_line1")
    line2 = serializers.CharField(source="ship_line2")
    postcode = serializers.CharField(source="ship_postcode")
    city = serializers.CharField(source="ship_city")
    country = serializers.CharField(source="ship_country")


class OrderLineSerializer(serializers.ModelSerializer):
    class Meta:
        model = OrderLine
        fields = (
            "sku",
            "product_name",
            "variant_name",
            "category_name",
            "quantity",
            "unit_price",
            "line_total",
            "discount",
        )


class EventSerializer(serializers.ModelSerializer):
    class Meta:
        model = OrderEvent
        fields = ("state", "at", "note")


class PiecesSerializer(serializers.Serializer):
    sku = serializers.CharField(source="order_line.sku")
    quantity = serializers.IntegerField()


class ReturnSerializer(serializers.ModelSerializer):
    lines = PiecesSerializer(many=True)

    class Meta:
        model = Return
        fields = (
            "id",
            "state",
            "reason",
            "lines",
            "refund_amount",
            "note",
            "requested_at",
            "settled_at",
        )


class OrderSerializer(serializers.ModelSerializer):
    """An order in a list."""

    total = MoneySerializer(source="total_money")
    lines = OrderLineSerializer(many=True)

    class Meta:
        model = Order
        fields = ("number", "state", "placed_at", "total", "lines")


class OrderDetailSerializer(OrderSerializer):
    address = ShipToSerializer(source="*")
    payments = PaymentSerializer(many=True)
    events = EventSerializer(many=True)
    returns = ReturnSerializer(many=True)

    class Meta(OrderSerializer.Meta):
        fields = (
            "number",
            "state",
            "currency",
            "subtotal",
            "discount",
            "shipping",
            "total",
            "promotion_code",
            "address",
            "lines",
            "placed_at",
            "paid_at",
            "shipped_at",
            "delivered_at",
            "cancelled_at",
            "payments",
            "events",
            "returns",
        )


class OrderQuery(serializers.Serializer):
    state = serializers.ChoiceField(OrderState.choices, required=False)


class CardInput(serializers.Serializer):
    """A card for the gateway. The shop keeps its brand and its last four digits."""

    number = serializers.CharField(max_length=40, write_only=True)
    expiry = serializers.CharField(max_length=10, write_only=True, help_text="As in 04/29.")
    cvc = serializers.CharField(max_length=10, write_only=True)

    def validate(self, attrs: dict[str, str]) -> Any:
        try:
            return read_card(**attrs)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error


class ShipToInput(AddressInput):
    is_default = None

    def validate(self, attrs: dict[str, str]) -> Address:
        address = Address(**attrs)
        try:
            address.clean_fields(exclude=["user"])
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return address


class CheckoutInput(serializers.Serializer):
    address_id = serializers.IntegerField(required=False, help_text="One of your address book.")
    address = ShipToInput(required=False, help_text="Or one that you write here.")
    card = CardInput()
    seen_total = serializers.DecimalField(
        max_digits=10,
        decimal_places=2,
        required=False,
        help_text="What you expect to pay. If it costs something else nothing is bought (409).",
    )

    def validate_address_id(self, pk: int) -> Address:
        address = Address.objects.filter(user=self.context["request"].user, pk=pk).first()
        if address is None:
            raise serializers.ValidationError("There is no such address in your book.")
        return address

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("address" in attrs) == ("address_id" in attrs):
            said = "Say where to send it: either `address_id` or `address`."
            raise serializers.ValidationError({"address": [said]})
        address_id = attrs.pop("address_id", None)
        return {**attrs, "address": attrs.get("address", address_id)}


class CancelInput(serializers.Serializer):
    reason = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="Why, if you like."
    )


class NoteInput(serializers.Serializer):
    note = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="As the parcel's."
    )


class RefusalInput(serializers.Serializer):
    note = serializers.CharField(max_length=200, help_text="Why; the shopper reads it.")


class PiecesInput(serializers.Serializer):
    sku = serializers.CharField(max_length=40)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class ReturnInput(serializers.Serializer):
    lines = PiecesInput(many=True, allow_empty=False)
    reason = serializers.CharField(max_length=200)

    def validate_lines(self, lines: list[dict[str, Any]]) -> dict[OrderLine, int]:
        by_sku = {line.sku: line for line in self.context["order"].lines.all()}
        pieces: dict[OrderLine, int] = {}
        for wanted in lines:
            line = by_sku.get(wanted["sku"])
            if line is None:
                raise serializers.ValidationError(f"There is no {wanted['sku']} in this order.")
            if line in pieces:
                raise serializers.ValidationError(f"{wanted['sku']} is there twice.")
            pieces[line] = wanted["quantity"]
        return pieces
