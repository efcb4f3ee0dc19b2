from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

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


def test_every_operation_of_the_catalogue_is_in_the_schema() -> None:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    operations = [
        operation["operationId"]
        for path, methods in schema["paths"].items()
        if path.startswith("/api/catalog/")
        for operation in methods.values()
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
