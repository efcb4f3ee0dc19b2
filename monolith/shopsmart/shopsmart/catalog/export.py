"""The price list as CSV, made line by line: memory stays flat whatever the shop's size."""

import csv
from collections.abc import Iterator

from shopsmart.catalog.models import Variant

COLUMNS = (
    "sku",
    "product",
    "variant",
    "category",
    "brand",
    "price",
    "currency",
    "active",
    "rating",
)
ROWS_PER_QUERY = 500


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def price_list_lines() -> Iterator[str]:
    """The lines of the price list, heading first, variants by SKU."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    variants = Variant.objects.select_related("product__category", "product__brand")
    for variant in variants.order_by("sku").iterator(chunk_size=ROWS_PER_QUERY):
        product = variant.product
        yield writer.writerow(
            spreadsheet_text(cell)
            for cell in (
                variant.sku,
                product.name,
                variant.name,
                product.category.name,
                product.brand.name if product.brand else "",
                variant.price_amount,
                variant.currency,
                "yes" if product.is_active else "no",
                "" if product.rating_average is None else product.rating_average,
            )
        )


def spreadsheet_text(cell: object) -> str:
    """Keep spreadsheets from running a product's name as a formula."""
    text = str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
