"""Puts the planned assortment into the database, all of it or, when stopped, nothing.

Goes past `services` on purpose: a thousand products one by one would take minutes. So it also does
what they would have done: derived text, ratings, price history.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model
from django.utils.text import slugify

from shopsmart.accounts.models import User
from shopsmart.catalog.models import (
    Brand,
    Category,
    PriceChange,
    Product,
    ProductImage,
    Review,
    Variant,
)
from shopsmart.catalog.seeding.assortment import DEPARTMENTS
from shopsmart.catalog.seeding.pictures import HEIGHT_PX, WIDTH_PX, draw_picture
from shopsmart.catalog.seeding.plan import (
    OLDEST_DAY,
    SHELVES,
    PlannedProduct,
    plan_products,
    shopper_name,
)
from shopsmart.catalog.services import average_rating

PASSWORD = "shopsmart"  # noqa: S105 - of every seeded account; the README says so
PRODUCTS_PER_BATCH = 250  # some 5,000 rows with all that belongs to them

# Children before parents, so that none is left pointing at nothing.
CATALOG_MODELS: tuple[type[Model], ...] = (
    Review, PriceChange, ProductImage, Variant, Product, Brand, Category
)  # fmt: skip

Advance = Callable[[int], None]


def is_seeded() -> bool:
    """Whether the catalogue has anything in it, seeded or made by hand."""
    return Category.objects.exists() or Product.objects.exists()


@transaction.atomic
def clear_catalog() -> None:
    """Delete the whole catalogue, and begin counting ids at 1 again. Users stay."""
    for model in CATALOG_MODELS:
        if model is Category:
            Category.objects.update(parent=None)
        model._default_manager.all()._raw_delete(connection.alias)
    tables = [
        {"table": model._meta.db_table, "column": model._meta.pk.column} for model in CATALOG_MODELS
    ]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_by_name_sql(no_style(), tables):
            cursor.execute(statement)


def draw_pictures(*, advance: Advance) -> None:
    """Put two pictures for each shelf into the media storage; those that are there stay."""
    for department, shelf in SHELVES:
        for number in (0, 1):
            name = picture_name(shelf.name, number)
            if not default_storage.exists(name):
                picture = draw_picture(shelf=shelf.name, number=number, hue=department.hue)
                default_storage.save(name, ContentFile(picture))
            advance(1)


@transaction.atomic
def write_people(*, shoppers: int) -> list[User]:
    """Make the shoppers, and `admin` for the staff; give the shoppers in their order.

    Accounts of these names that exist already are left as they are.
    """
    # Hashed once, with a fixed salt: 300 different ones would take a minute, and the password is
    # no secret anyway.
    password = make_password(PASSWORD, salt="shopsmart")
    common = {"password": password, "date_joined": OLDEST_DAY}
    admin = User(
        username="admin",
        email="admin@example.com",
        display_name="The shop",
        is_staff=True,
        is_superuser=True,
        **common,
    )
    wanted = [admin]
    for number in range(shoppers):
        username = f"shopper{number + 1:03d}"
        name = shopper_name(number)
        email = f"{username}@example.com"
        wanted.append(User(username=username, email=email, display_name=name, **common))
    known = set(User.objects.values_list("username", flat=True))
    User.objects.bulk_create([u for u in wanted if u.username not in known], batch_size=500)
    names = [user.username for user in wanted[1:]]
    users = {user.username: user for user in User.objects.filter(username__startswith="shopper")}
    return [users[name] for name in names]


@transaction.atomic
def write_catalog(*, products: int, shoppers: list[User], reviews: int, advance: Advance) -> None:
    """Write categories, brands and products with all that belongs to them."""
    shelves = _write_categories()
    brands = _write_brands()
    plan = plan_products(products=products, shoppers=len(shoppers), reviews=reviews)
    while batch := list(islice(plan, PRODUCTS_PER_BATCH)):
        rows = [_product(planned, shelves, brands) for planned in batch]
        Product.objects.bulk_create(rows)
        pairs = list(zip(rows, batch, strict=True))
        variants = [variant for row, planned in pairs for variant in _variants(row, planned)]
        Variant.objects.bulk_create(variants)
        by_sku = {variant.sku: variant for variant in variants}
        PriceChange.objects.bulk_create(
            PriceChange(
                variant=by_sku[variant.sku],
                old_amount=change.old,
                new_amount=change.new,
                currency=by_sku[variant.sku].currency,
                changed_at=change.at,
                reason=change.reason,
            )
            for planned in batch
            for variant in planned.variants
            for change in variant.changes
        )
        ProductImage.objects.bulk_create(
            image for row, planned in pairs for image in _images(row, planned)
        )
        Review.objects.bulk_create(
            review for row, planned in pairs for review in _reviews(row, planned, shoppers)
        )
        advance(len(batch))


def picture_name(shelf: str, number: int) -> str:
    """Where a picture of a shelf is kept, below the media root."""
    return f"products/seeded/{slugify(shelf)}-{number + 1}.webp"


def _write_categories() -> dict[str, Category]:
    """All categories; gives the shelves by their names."""
    top = [
        Category(name=d.name, slug=slugify(d.name), description=d.about, position=place)
        for place, d in enumerate(DEPARTMENTS)
    ]
    Category.objects.bulk_create(top)
    shelves = [
        Category(parent=parent, name=shelf.name, slug=slugify(shelf.name), position=place)
        for parent, department in zip(top, DEPARTMENTS, strict=True)
        for place, shelf in enumerate(department.shelves)
    ]
    Category.objects.bulk_create(shelves)
    return {category.name: category for category in shelves}


def _write_brands() -> dict[str, Brand]:
    names = [name for department in DEPARTMENTS for name in department.brands]
    brands = Brand.objects.bulk_create(Brand(name=name, slug=slugify(name)) for name in names)
    return {brand.name: brand for brand in brands}


def _product(
    planned: PlannedProduct, shelves: dict[str, Category], brands: dict[str, Brand]
) -> Product:
    ratings = [review.rating for review in planned.reviews if review.is_published]
    product = Product(
        category=shelves[planned.shelf.name],
        brand=brands[planned.brand] if planned.brand else None,
        name=planned.name,
        slug=planned.slug,
        description=planned.description,
        is_active=planned.is_active,
        created_at=planned.created_at,
        updated_at=planned.updated_at,
        rating_average=average_rating(total=sum(ratings), count=len(ratings)),
        rating_count=len(ratings),
    )
    product.derive_text()
    return product


def _variants(product: Product, planned: PlannedProduct) -> Iterator[Variant]:
    for position, variant in enumerate(planned.variants):
        yield Variant(
            product=product,
            sku=variant.sku,
            name=variant.name,
            price_amount=variant.price,
            compare_at_amount=variant.compare_at,
            weight_grams=variant.grams,
            position=position,
        )


def _images(product: Product, planned: PlannedProduct) -> Iterator[ProductImage]:
    for position, number in enumerate(planned.pictures):
        # Told, not measured: an ImageField would open each file to learn its size.
        size: dict[str, Any] = {"width": WIDTH_PX, "height": HEIGHT_PX}
        yield ProductImage(
            product=product,
            image=picture_name(planned.shelf.name, number),
            alt=f"{product.name}, drawn as a still life",
            position=position,
            **size,
        )


def _reviews(product: Product, planned: PlannedProduct, shoppers: list[User]) -> Iterator[Review]:
    for review in planned.reviews:
        yield Review(
            product=product,
            author=shoppers[review.shopper],
            rating=review.rating,
            title=review.title,
            body=review.body,
            created_at=review.at,
            is_published=review.is_published,
        )
