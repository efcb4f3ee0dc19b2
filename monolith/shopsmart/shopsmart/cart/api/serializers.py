"""The JSON of carts. Amounts are those of this moment."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from shopsmart.cart.models import MAX_QUANTITY
from shopsmart.cart.pricing import ProblemKind, SummaryLine
from shopsmart.catalog.api.serializers import ImageSerializer, LinkSerializer, MoneySerializer
from shopsmart.catalog.models import Variant
from shopsmart.inventory.selectors import Availability


class CartLineSerializer(serializers.Serializer):
    sku = serializers.CharField(source="variant.sku")
    product = LinkSerializer()
    name = serializers.CharField(
        source="variant.name", help_text="Of the variant; empty where there is only one."
    )
    image = serializers.SerializerMethodField()
    quantity = serializers.IntegerField()
    unit_price = MoneySerializer()
    line_total = MoneySerializer(help_text="Before the discount.")
    discount = MoneySerializer(help_text="This line's share of the cart's discount.")
    availability = serializers.ChoiceField(Availability.choices)

    @extend_schema_field(ImageSerializer(allow_null=True))
    def get_image(self, line: SummaryLine) -> dict[str, object] | None:
        image = next(iter(line.product.images.all()), None)
        return dict(ImageSerializer(image, context=self.context).data) if image else None


class ProblemSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(ProblemKind.choices)
    message = serializers.CharField()
    sku = serializers.CharField(help_text="Empty where it is about the whole cart.")


class CartSerializer(serializers.Serializer):
    lines = CartLineSerializer(many=True)
    quantity = serializers.IntegerField(help_text="How many things are in it.")
    subtotal = MoneySerializer()
    discount = MoneySerializer()
    shipping = MoneySerializer()
    total = MoneySerializer()
    promotion_code = serializers.CharField(help_text="Empty without one.")
    problems = ProblemSerializer(many=True, help_text="What is in the way of buying it.")


class QuantityInput(serializers.Serializer):
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class LineInput(serializers.Serializer):
    sku = serializers.CharField(max_length=40)
    quantity = serializers.IntegerField(
        min_value=1, max_value=MAX_QUANTITY, default=1, help_text="How many more."
    )

    def validate_sku(self, sku: str) -> Variant:
        variant = Variant.objects.select_related("product").filter(sku=sku).first()
        if variant is None:
            raise serializers.ValidationError("There is no such thing.")
        return variant


class CodeInput(serializers.Serializer):
    promotion_code = serializers.CharField(max_length=40)
