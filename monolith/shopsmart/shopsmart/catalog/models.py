"""What the shop sells, at which price, and what shoppers say about it.

Rules that must hold hold in the database, since not every writer comes through `services`: the
admin, the nightly re-pricing and a psql shell write too.
"""

from decimal import Decimal
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.validators import (
    FileExtensionValidator,
    MaxValueValidator,
    MinValueValidator,
    RegexValidator,
)
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from shopsmart.catalog.money import Money
from shopsmart.catalog.text import CodePointCharField, fold

MAX_IMAGE_BYTES = 5 * 1024 * 1024
IMAGE_EXTENSIONS = ["jpeg", "jpg", "png", "webp"]

check_currency = RegexValidator(r"^[A-Z]{3}\Z", "A currency is three capital letters, as in EUR.")


def default_currency() -> str:
    """The shop's currency; a function, so that migrations don't freeze the setting."""
    return str(settings.DEFAULT_CURRENCY)


def product_image_path(image: "ProductImage", filename: str) -> str:
    """Where an upload goes: a folder for each product; the storage makes the name unique."""
    return f"products/{image.product.slug}/{PurePath(filename).name.lower()}"


def check_image_size(upload: File) -> None:
    """Refuse pictures that are too large to be sent to phones."""
    if upload.size > MAX_IMAGE_BYTES:
        raise ValidationError("The picture is larger than 5 MB. Choose a smaller one.")


class Category(models.Model):
    """A shelf, which may stand in another. The tree is small: selectors read it whole."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    name = CodePointCharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.CharField(max_length=300, blank=True)
    position = models.PositiveIntegerField(
        default=0, help_text="Among its siblings, smallest first."
    )

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "categories"
        constraints = [
            models.CheckConstraint(
                condition=~Q(parent=F("id")), name="catalog_category_is_not_its_own_parent"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="catalog_category_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a parent that stands below this category."""
        above, passed = self.parent, {self.pk}
        while above is not None:
            # Whoever writes past this method can close a circle further up; it must not be walked for ever.
            if above.pk in passed:
                raise ValidationError({"parent": "A category can't stand below itself."})
            passed.add(above.pk)
            above = above.parent


class Brand(models.Model):
    """Who makes it."""

    name = CodePointCharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="catalog_brand_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something for sale, in one or more variants, which carry the prices.

    Three columns are derived: `name_key` and `search_text` by `save()`; `rating_average` and
    `rating_count` by the receivers in `signals`, whenever a review is saved or deleted.
    """

    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    brand = models.ForeignKey(Brand, models.PROTECT, null=True, blank=True, related_name="products")
    name = models.CharField(max_length=160)
    slug = models.SlugField(max_length=160, unique=True)
    description = models.TextField(blank=True, max_length=5000)
    is_active = models.BooleanField(default=True, help_text="Shown and sold in the shop.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    name_key = CodePointCharField(max_length=320, editable=False)
    search_text = models.TextField(editable=False)
    rating_average = models.DecimalField(
        max_digits=3, decimal_places=2, null=True, blank=True, editable=False
    )
    rating_count = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["name_key", "id"]
        indexes = [
            models.Index(fields=["category", "name_key"], name="catalog_product_shelf"),
            models.Index(fields=["-created_at", "-id"], name="catalog_product_newest"),
            models.Index(fields=["name_key", "id"], name="catalog_product_by_name"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="catalog_product_has_a_name"),
            models.CheckConstraint(
                condition=Q(rating_count=0, rating_average__isnull=True)
                # A comparison with NULL is not false, and a constraint takes what is not false.
                | Q(
                    rating_count__gt=0,
                    rating_average__isnull=False,
                    rating_average__gte=1,
                    rating_average__lte=5,
                ),
                name="catalog_product_rating_fits_its_count",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the derived text and the time of the change."""
        self.derive_text()
        self.updated_at = timezone.now()
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "name_key", "search_text", "updated_at"}
        super().save(*args, **kwargs)

    def derive_text(self) -> None:
        """Set what is sorted and searched by; for writers that go past `save()`."""
        self.name_key = fold(self.name)[: self._meta.get_field("name_key").max_length]
        self.search_text = f"{fold(self.name)}\n{fold(self.description)}"


class Variant(models.Model):
    """What is put in a basket: a size or colour of a product, with its own price."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
    sku = CodePointCharField(max_length=40, unique=True, verbose_name="SKU")
    name = models.CharField(max_length=80, blank=True, help_text="Empty where there is only one.")
    price_amount = models.DecimalField(
        max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    compare_at_amount = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="The former price, shown crossed out. Higher than the price.",
    )
    currency = models.CharField(max_length=3, default=default_currency, validators=[check_currency])
    weight_grams = models.PositiveIntegerField(null=True, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        indexes = [
            models.Index(fields=["product", "price_amount", "id"], name="catalog_variant_cheapest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(price_amount__gte=0), name="catalog_variant_price_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(compare_at_amount__isnull=True)
                | Q(compare_at_amount__gt=F("price_amount")),
                name="catalog_variant_former_price_is_higher",
            ),
            models.CheckConstraint(
                condition=Exact(Length("currency"), 3),
                name="catalog_variant_currency_has_3_letters",
            ),
            models.CheckConstraint(condition=~Q(sku=""), name="catalog_variant_has_a_sku"),
        ]

    def __str__(self) -> str:
        return f"{self.product} – {self.name}" if self.name else str(self.product)

    @property
    def price(self) -> Money:
        """What it costs now."""
        return Money(self.price_amount, self.currency)

    @property
    def compare_at(self) -> Money | None:
        """What it cost before, where that is worth telling."""
        if self.compare_at_amount is None:
            return None
        return Money(self.compare_at_amount, self.currency)


class PriceChange(models.Model):
    """One step in the history of a price. Rows are only ever added, by `services.change_price`."""

    variant = models.ForeignKey(Variant, models.CASCADE, related_name="price_changes")
    old_amount = models.DecimalField(max_digits=10, decimal_places=2)
    new_amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, validators=[check_currency])
    changed_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=120)

    class Meta:
        ordering = ["-changed_at", "-id"]
        indexes = [models.Index(fields=["variant", "-changed_at"], name="catalog_price_history")]
        constraints = [
            models.CheckConstraint(
                condition=Q(old_amount__gte=0, new_amount__gte=0),
                name="catalog_price_change_is_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(old_amount=F("new_amount")), name="catalog_price_change_changes"
            ),
            models.CheckConstraint(
                condition=Exact(Length("currency"), 3),
                name="catalog_price_change_currency_has_3_letters",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.old_amount} → {self.new_amount} {self.currency}"


class ProductImage(models.Model):
    """A picture of a product; the one with the smallest position stands for it in lists."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="images")
    image = models.ImageField(
        upload_to=product_image_path,
        width_field="width",
        height_field="height",
        max_length=255,
        validators=[FileExtensionValidator(IMAGE_EXTENSIONS), check_image_size],
    )
    # Kept beside the file's name, so that pages can reserve the room without opening the file.
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    alt = models.CharField(
        max_length=160, help_text="What the picture shows, for who can't see it."
    )
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "position"], name="catalog_image_positions_differ"
            ),
            models.CheckConstraint(condition=~Q(alt=""), name="catalog_image_has_a_text"),
        ]

    def __str__(self) -> str:
        return self.alt


class Review(models.Model):
    """What a shopper says about a product: one review each."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reviews")
    rating = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    title = models.CharField(max_length=120)
    body = models.TextField(max_length=4000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    is_published = models.BooleanField(default=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["product", "-created_at", "-id"], name="catalog_review_newest")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "product"],
                name="catalog_one_review_each",
                violation_error_message="You have reviewed this product already.",
            ),
            models.CheckConstraint(
                condition=Q(rating__gte=1, rating__lte=5), name="catalog_review_rating_is_1_to_5"
            ),
            models.CheckConstraint(condition=~Q(title=""), name="catalog_review_has_a_title"),
        ]

    def __str__(self) -> str:
        return f"{self.rating}/5 {self.title}"
