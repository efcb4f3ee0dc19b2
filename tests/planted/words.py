"""What the paths of the sessions are filled with, read from the seeded shop: no session hangs on a name of the seed."""

import re
from typing import Any

from stack import Database

SHOPPER, STOCK_KEEPER = "shopper001", "stock"
PASSWORD = "shopsmart"

_IN_STOCK = (
    "FROM catalog_variant v JOIN inventory_stockitem s ON s.variant_id = v.id"
    " JOIN catalog_product p ON p.id = v.product_id"
    " WHERE p.is_active AND s.reserved = 0 AND s.low_below = 5 AND s.on_hand > 9"
)

QUERIES = {
    "accented": "SELECT slug FROM catalog_product WHERE is_active AND name GLOB '*[^ -~]*'",
    "ampersand": "SELECT slug FROM catalog_product WHERE is_active AND description LIKE '%&%'",
    "brand": "SELECT b.slug FROM catalog_brand b JOIN catalog_product p ON p.brand_id = b.id"
    " WHERE p.is_active GROUP BY b.id ORDER BY COUNT(*) DESC, b.id",
    "foreign_address": "SELECT a.id FROM accounts_address a JOIN accounts_user u ON u.id = a.user_id"
    " WHERE u.username = 'shopper002' ORDER BY a.id",
    "leaf": "SELECT slug FROM catalog_category WHERE id IN (SELECT p.category_id FROM catalog_product p"
    " JOIN catalog_variant v ON v.product_id = p.id WHERE p.is_active GROUP BY p.id HAVING COUNT(v.id) > 1)"
    " ORDER BY id",
    "order": "SELECT o.number FROM orders_order o JOIN accounts_user u ON u.id = o.user_id"
    " WHERE u.username = 'shopper001' AND o.state = 'returned' ORDER BY o.id",
    "repriced": "SELECT p.slug FROM catalog_product p JOIN catalog_variant v ON v.product_id = p.id"
    " JOIN catalog_pricechange c ON c.variant_id = v.id WHERE p.is_active ORDER BY p.id",
    # A tenth of its price ends in a half cent or more.
    "rounded_sku": f"SELECT v.sku {_IN_STOCK} AND CAST(ROUND(v.price_amount * 100) AS INTEGER) % 10 >= 5 ORDER BY v.id",
    "sku": f"SELECT v.sku {_IN_STOCK} ORDER BY v.id",
}  # fmt: skip

SLUGS = "SELECT slug FROM catalog_product WHERE is_active ORDER BY id"


def read_words(database: Database) -> dict[str, str]:
    """A value for every word."""
    return {word: str(database.rows(f"{query} LIMIT 1")[0][0]) for word, query in QUERIES.items()}


def filled(value: Any, words: dict[str, str]) -> Any:
    """A text, or the texts in a dict, with its words filled in."""
    if isinstance(value, dict):
        return {key: filled(item, words) for key, item in value.items()}
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], value)
    return value
