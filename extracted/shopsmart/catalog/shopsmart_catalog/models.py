"""The catalogue's tables, in the service's own database.

They are filled by `backfill` alone, so their rules are the few that reading relies on: keys, references, uniqueness.
Keys are the shop's, since they are part of its answers. There is no table of users: a review holds its author's name,
and the author's key only to keep "one review each".
"""

from django.db import models

from shopsmart_catalog.text import BytewiseCharField


class Category(models.Model):
    """A shelf, which may stand in another."""

    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    name = BytewiseCharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.CharField(max_length=300, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class Brand(models.Model):
    name = BytewiseCharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """The last four columns are derived in the shop and copied like the others."""

    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    brand = models.ForeignKey(Brand, models.PROTECT, null=True, related_name="products")
    name = models.CharField(max_length=160)
    slug = models.SlugField(max_length=160, unique=True)
    description = models.TextField(blank=True)
    is_active = models.BooleanField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    name_key = BytewiseCharField(max_length=320)
    search_text = models.TextField()
    rating_average = models.DecimalField(max_digits=3, decimal_places=2, null=True)
    rating_count = models.PositiveIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["category", "name_key"], name="catalog_product_shelf"),
            models.Index(fields=["-created_at", "-id"], name="catalog_product_newest"),
            models.Index(fields=["name_key", "id"], name="catalog_product_by_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """What is bought: a size or colour of a product, with its price."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
    sku = BytewiseCharField(max_length=40, unique=True)
    name = models.CharField(max_length=80, blank=True)
    price_amount = models.DecimalField(max_digits=10, decimal_places=2)
    compare_at_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    currency = models.CharField(max_length=3)
    weight_grams = models.PositiveIntegerField(null=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["product", "price_amount", "id"], name="catalog_variant_cheapest"),
        ]

    def __str__(self) -> str:
        return self.sku


class PriceChange(models.Model):
    variant = models.ForeignKey(Variant, models.CASCADE, related_name="price_changes")
    old_amount = models.DecimalField(max_digits=10, decimal_places=2)
    new_amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    changed_at = models.DateTimeField()
    reason = models.CharField(max_length=120)

    class Meta:
        indexes = [models.Index(fields=["variant", "-changed_at"], name="catalog_price_history")]

    def __str__(self) -> str:
        return f"{self.old_amount} → {self.new_amount} {self.currency}"


class ProductImage(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="images")
    image = models.FileField(max_length=255)
    """The file's name in the shop's storage; the file itself stays there."""
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    alt = models.CharField(max_length=160)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "position"], name="catalog_image_positions_differ"
            )
        ]

    def __str__(self) -> str:
        return self.alt


class Review(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews")
    author_id = models.BigIntegerField()
    author_name = models.CharField(max_length=60)
    rating = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField()
    is_published = models.BooleanField()

    class Meta:
        indexes = [
            models.Index(fields=["product", "-created_at", "-id"], name="catalog_review_newest")
        ]
        constraints = [
            models.UniqueConstraint(fields=["author_id", "product"], name="catalog_one_review_each")
        ]

    def __str__(self) -> str:
        return f"{self.rating}/5 {self.title}"
