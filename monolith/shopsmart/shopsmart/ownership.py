"""Which tables belong to which capability, which of their columns leave the shop, and who may fetch them.

A person leaves the shop only as the name beside a review: `accounts_user` belongs to no capability here.
"""

from typing import Any

from chassis.environment import read_secret

OWNERSHIP: dict[str, Any] = {
    "catalog": {
        "tables": [
            {"model": "catalog.Category"},
            {"model": "catalog.Brand"},
            {"model": "catalog.Product"},
            {"model": "catalog.Variant"},
            {"model": "catalog.PriceChange"},
            {"model": "catalog.ProductImage"},
            {
                "model": "catalog.Review",
                "columns": [
                    "id",
                    "product",
                    # One review each: the service keeps the rule without knowing the person.
                    "author",
                    {"author_name": "author.display_name"},
                    "rating",
                    "title",
                    "body",
                    "created_at",
                    "is_published",
                ],
            },
        ]
    }
}


def callers() -> dict[str, Any]:
    """Who may call; a caller whose credential is not in the environment can't."""
    return {
        "catalog-service": {
            "credential": read_secret("CATALOG_CREDENTIAL"),
            "capabilities": ["catalog"],
        },
        # Asks how far the service is behind; it reads no rows.
        "proxy": {
            "credential": read_secret("PROXY_CREDENTIAL"),
            "capabilities": list(OWNERSHIP),
            "rights": ["status"],
        },
    }
