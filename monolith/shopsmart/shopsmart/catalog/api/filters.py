"""What may stand behind the question mark. Whatever can't be understood is a 400 by field."""

from typing import Any

from django.db.models import TextChoices
from rest_framework import serializers

from shopsmart.catalog.models import Brand, Category
from shopsmart.catalog.selectors import CategoryTree, ProductFilter, ProductOrder

MAX_QUERY_LENGTH = 100


class Ordering(TextChoices):
    """ProductOrder, in the form in which the schema can list it."""

    NAME = ProductOrder.NAME.value, "name"
    PRICE = ProductOrder.PRICE.value, "cheapest first"
    PRICE_DESCENDING = ProductOrder.PRICE_DESCENDING.value, "dearest first"
    NEWEST = ProductOrder.NEWEST.value, "newest first"
    RATING = ProductOrder.RATING.value, "best rated first"


class ProductQuery(serializers.Serializer):
    category = serializers.CharField(
        required=False, help_text="Slug of a category; what stands below it counts too."
    )
    brand = serializers.CharField(required=False, help_text="Slug of a brand.")
    min_price = serializers.DecimalField(
        max_digits=10,
        decimal_places=2,
        min_value=0,
        required=False,
        help_text="Of the cheapest variant, inclusive.",
    )
    max_price = serializers.DecimalField(
        max_digits=10,
        decimal_places=2,
        min_value=0,
        required=False,
        help_text="Of the cheapest variant, inclusive.",
    )
    rating = serializers.IntegerField(
        min_value=1, max_value=5, required=False, help_text="Rated this on average, or better."
    )
    q = serializers.CharField(
        max_length=MAX_QUERY_LENGTH,
        required=False,
        help_text="Words that all occur in name or description, whatever their case and accents.",
    )
    ordering = serializers.ChoiceField(
        choices=Ordering.choices, default=ProductOrder.NAME.value, help_text="What comes first."
    )

    def validate_category(self, slug: str) -> Category:
        self.tree = CategoryTree()
        node = self.tree.find(slug)
        if node is None:
            raise serializers.ValidationError("There is no such category.")
        return node.category

    def validate_brand(self, slug: str) -> Brand:
        brand = Brand.objects.filter(slug=slug).first()
        if brand is None:
            raise serializers.ValidationError("There is no such brand.")
        return brand

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (
            "min_price" in attrs
            and "max_price" in attrs
            and attrs["min_price"] > attrs["max_price"]
        ):
            raise serializers.ValidationError({"max_price": ["This is less than min_price."]})
        return attrs

    def read(self) -> tuple[ProductFilter, ProductOrder, CategoryTree | None]:
        """What is asked for, or a 400; the tree too where it had to be read for that."""
        self.is_valid(raise_exception=True)
        values = dict(self.validated_data)
        order = ProductOrder(values.pop("ordering"))
        return ProductFilter(**values), order, getattr(self, "tree", None)


class SuggestQuery(serializers.Serializer):
    q = serializers.CharField(
        max_length=MAX_QUERY_LENGTH, help_text="What was typed so far, into a search box."
    )
