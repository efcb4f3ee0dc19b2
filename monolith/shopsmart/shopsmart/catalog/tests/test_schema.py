from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

OPERATIONS = {
    "addReview",
    "getCategory",
    "getProduct",
    "listBrands",
    "listCategories",
    "listPrices",
    "listProducts",
    "listReviews",
    "suggest",
}


def test_the_schema_is_valid_and_complete_without_a_warning() -> None:
    GENERATOR_STATS.reset()
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache
    operations = [
        operation["operationId"] for path in schema["paths"].values() for operation in path.values()
    ]
    assert sorted(operations) == sorted(OPERATIONS)


@pytest.mark.django_db
def test_the_schema_is_served_to_anybody(client: Client) -> None:
    answer = client.get("/api/schema/")
    assert answer.status_code == 200
    assert yaml.safe_load(answer.content)["info"]["title"] == "ShopSmart"


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
