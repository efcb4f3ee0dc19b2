"""What may stand behind the question mark, checked by DRF so that a refusal has the shop's words."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from shopsmart_catalog.models import Brand
from shopsmart_catalog.selectors import ORDERS, Wanted
from shopsmart_catalog.shelves import read_shelves

MAX_TYPED = 100


class _Price(serializers.DecimalField):
    def __init__(self) -> None:
        super().__init__(max_digits=10, decimal_places=2, min_value=Decimal(0), required=False)


class ProductQuery(serializers.Serializer[Any]):
    category = serializers.CharField(required=False)
    brand = serializers.CharField(required=False)
    min_price = _Price()
    max_price = _Price()
    rating = serializers.IntegerField(min_value=1, max_value=5, required=False)
    q = serializers.CharField(max_length=MAX_TYPED, required=False)
    ordering = serializers.ChoiceField(choices=list(ORDERS), default="name")

    def validate_category(self, slug: str) -> frozenset[int]:
        shelf = read_shelves().get(slug)
        if shelf is None:
            raise serializers.ValidationError("There is no such category.")
        return shelf.ids

    def validate_brand(self, slug: str) -> int:
        key = Brand.objects.filter(slug=slug).values_list("pk", flat=True).first()
        if key is None:
            raise serializers.ValidationError("There is no such brand.")
        return key

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        lowest, highest = attrs.get("min_price"), attrs.get("max_price")
        if lowest is not None and highest is not None and lowest > highest:
            raise serializers.ValidationError({"max_price": ["This is less than min_price."]})
        return attrs

    def wanted(self) -> Wanted:
        """Raises a 400 that names the fields."""
        self.is_valid(raise_exception=True)
        names = {"category": "categories", "q": "words", "ordering": "order"}
        return Wanted(**{names.get(name, name): v for name, v in self.validated_data.items()})


class SuggestQuery(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=MAX_TYPED)

    def typed(self) -> str:
        """Raises a 400."""
        self.is_valid(raise_exception=True)
        return str(self.validated_data["q"])
