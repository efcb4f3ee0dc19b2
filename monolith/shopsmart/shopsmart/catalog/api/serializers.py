"""The JSON of the catalogue. Amounts are strings with two places, times UTC with microseconds."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from shopsmart.catalog.models import Category, Product
from shopsmart.catalog.selectors import CategoryNode, cheapest_variant


class MoneySerializer(serializers.Serializer):
    amount = serializers.DecimalField(max_digits=10, decimal_places=2)
    currency = serializers.CharField()


class LinkSerializer(serializers.Serializer):
    """A category or a brand, as something else refers to it."""

    slug = serializers.CharField()
    name = serializers.CharField()


class CategorySerializer(serializers.Serializer):
    slug = serializers.CharField(source="category.slug")
    name = serializers.CharField(source="category.name")
    parent = serializers.SerializerMethodField(help_text="Slug of the category above.")
    depth = serializers.IntegerField(help_text="0 at the top.")
    product_count = serializers.IntegerField(help_text="Active products here and below.")

    def get_parent(self, node: CategoryNode) -> str | None:
        return node.path[-2].slug if node.depth else None


class CategoryDetailSerializer(CategorySerializer):
    description = serializers.CharField(source="category.description")
    breadcrumb = LinkSerializer(source="path", many=True)
    children = LinkSerializer(many=True)


class BrandSerializer(LinkSerializer):
    product_count = serializers.IntegerField()


class RatingSerializer(serializers.Serializer):
    average = serializers.DecimalField(
        source="rating_average", max_digits=3, decimal_places=2, allow_null=True
    )
    count = serializers.IntegerField(source="rating_count")


class ImageSerializer(serializers.Serializer):
    url = serializers.ImageField(source="image")
    alt = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class VariantSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    price = MoneySerializer()
    compare_at = MoneySerializer(allow_null=True)
    weight_grams = serializers.IntegerField(allow_null=True)


class ProductSerializer(serializers.Serializer):
    """A product in a list. Its price is that of its cheapest variant."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()
    category = LinkSerializer()
    brand = LinkSerializer(allow_null=True)
    price = serializers.SerializerMethodField()
    compare_at = serializers.SerializerMethodField()
    image = serializers.SerializerMethodField()
    rating = RatingSerializer(source="*")
    created_at = serializers.DateTimeField()

    @extend_schema_field(MoneySerializer(allow_null=True))
    def get_price(self, product: Product) -> dict[str, str] | None:
        variant = cheapest_variant(product)
        return dict(MoneySerializer(variant.price).data) if variant else None

    @extend_schema_field(MoneySerializer(allow_null=True))
    def get_compare_at(self, product: Product) -> dict[str, str] | None:
        variant = cheapest_variant(product)
        former = variant.compare_at if variant else None
        return dict(MoneySerializer(former).data) if former else None

    @extend_schema_field(ImageSerializer(allow_null=True))
    def get_image(self, product: Product) -> dict[str, object] | None:
        image = next(iter(product.images.all()), None)
        return dict(ImageSerializer(image, context=self.context).data) if image else None


class ProductDetailSerializer(ProductSerializer):
    description = serializers.CharField()
    breadcrumb = serializers.SerializerMethodField()
    variants = VariantSerializer(many=True)
    images = ImageSerializer(many=True)
    updated_at = serializers.DateTimeField()

    @extend_schema_field(LinkSerializer(many=True))
    def get_breadcrumb(self, product: Product) -> list[dict[str, str]]:
        path: tuple[Category, ...] = self.context["breadcrumb"]
        return [{"slug": category.slug, "name": category.name} for category in path]


class ReviewSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    rating = serializers.IntegerField()
    title = serializers.CharField()
    body = serializers.CharField()
    author = serializers.CharField(
        source="author.display_name", help_text="The name the author chose to be shown by."
    )
    created_at = serializers.DateTimeField()


class PriceChangeSerializer(serializers.Serializer):
    sku = serializers.CharField(source="variant.sku")
    old_amount = serializers.DecimalField(max_digits=10, decimal_places=2)
    new_amount = serializers.DecimalField(max_digits=10, decimal_places=2)
    currency = serializers.CharField()
    changed_at = serializers.DateTimeField()
    reason = serializers.CharField()


class SuggestionsSerializer(serializers.Serializer):
    products = LinkSerializer(many=True)
    categories = LinkSerializer(many=True)


class ErrorSerializer(serializers.Serializer):
    """What a refused request gets, unless the fields are named one by one."""

    detail = serializers.CharField()
