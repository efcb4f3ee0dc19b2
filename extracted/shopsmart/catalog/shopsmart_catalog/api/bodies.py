"""The JSON of each thing, key by key in the shop's order: amounts as text, times in UTC with microseconds."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from shopsmart_catalog.models import (
    Brand,
    Category,
    PriceChange,
    Product,
    ProductImage,
    Review,
    Variant,
)
from shopsmart_catalog.selectors import cheapest
from shopsmart_catalog.shelves import Shelf

Body = dict[str, Any]


def link(thing: Category | Brand | Product) -> Body:
    return {"slug": thing.slug, "name": thing.name}


def links(things: Iterable[Category | Product]) -> list[Body]:
    return [link(thing) for thing in things]


def shelf(shelf: Shelf) -> Body:
    return {
        "slug": shelf.category.slug,
        "name": shelf.category.name,
        "parent": shelf.parent.slug if shelf.parent else None,
        "depth": len(shelf.path) - 1,
        "product_count": shelf.product_count,
    }


def shelf_in_full(one: Shelf) -> Body:
    return {
        **shelf(one),
        "description": one.category.description,
        "breadcrumb": links(one.path),
        "children": links(one.children),
    }


def brand(brand: Brand, product_count: int) -> Body:
    return {**link(brand), "product_count": product_count}


def product(product: Product, request: HttpRequest) -> Body:
    variant = cheapest(product)
    pictures = product.images.all()
    return {
        "id": product.pk,
        "slug": product.slug,
        "name": product.name,
        "category": link(product.category),
        "brand": link(product.brand) if product.brand else None,
        "price": _price(variant) if variant else None,
        "compare_at": _former_price(variant) if variant else None,
        "image": _image(pictures[0], request) if pictures else None,
        "rating": {
            "average": _amount(product.rating_average),
            "count": product.rating_count,
        },
        "created_at": _moment(product.created_at),
    }


def product_in_full(one: Product, path: Iterable[Category], request: HttpRequest) -> Body:
    return {
        **product(one, request),
        "description": one.description,
        "breadcrumb": links(path),
        "variants": [_variant(variant) for variant in one.variants.all()],
        "images": [_image(image, request) for image in one.images.all()],
        "updated_at": _moment(one.updated_at),
    }


def review(review: Review) -> Body:
    return {
        "id": review.pk,
        "rating": review.rating,
        "title": review.title,
        "body": review.body,
        "author": review.author_name,
        "created_at": _moment(review.created_at),
    }


def price_change(change: PriceChange) -> Body:
    return {
        "sku": change.variant.sku,
        "old_amount": _amount(change.old_amount),
        "new_amount": _amount(change.new_amount),
        "currency": change.currency,
        "changed_at": _moment(change.changed_at),
        "reason": change.reason,
    }


def _variant(variant: Variant) -> Body:
    return {
        "id": variant.pk,
        "sku": variant.sku,
        "name": variant.name,
        "price": _price(variant),
        "compare_at": _former_price(variant),
        "weight_grams": variant.weight_grams,
    }


def _price(variant: Variant) -> Body:
    return {"amount": _amount(variant.price_amount), "currency": variant.currency}


def _former_price(variant: Variant) -> Body | None:
    if variant.compare_at_amount is None:
        return None
    return {"amount": _amount(variant.compare_at_amount), "currency": variant.currency}


def _image(image: ProductImage, request: HttpRequest) -> Body:
    return {
        "url": request.build_absolute_uri(image.image.url),
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
    }


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
