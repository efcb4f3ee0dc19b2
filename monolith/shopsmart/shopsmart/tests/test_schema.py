"""The OpenAPI description as a whole; what each part's own operations are, its own tests know."""

from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema


@pytest.fixture(scope="module")
def schema() -> Iterator[dict[str, Any]]:
    GENERATOR_STATS.reset()
    yield SchemaGenerator().get_schema(request=None, public=True)
    GENERATOR_STATS.reset()


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_it_is_valid_and_made_without_a_warning(schema: dict[str, Any]) -> None:
    validate_schema(schema)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own(
    schema: dict[str, Any],
) -> None:
    silent = [name for name, operation in operations(schema) if not operation.get("description")]
    assert not silent
    names = [operation["operationId"] for _, operation in operations(schema)]
    assert len(names) == len(set(names))


def test_every_operation_but_the_catalogues_tells_how_it_refuses(schema: dict[str, Any]) -> None:
    """Whoever is limited has to hear that 429 may come, and whoever is let in by name, that 401 may."""
    for name, operation in operations(schema):
        if " /api/catalog/" in name:
            assert "429" not in operation["responses"], name
            continue
        assert "429" in operation["responses"], name
        if {} not in operation["security"]:
            assert "401" in operation["responses"], name
