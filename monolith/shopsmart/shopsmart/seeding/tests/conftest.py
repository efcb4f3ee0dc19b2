import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import override_settings

Seed = Callable[..., str]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Files go to a folder of this one module; the pictures are drawn there once."""
    folder = tmp_path_factory.mktemp("media")
    with override_settings(MEDIA_ROOT=str(folder)):
        yield folder


@pytest.fixture(scope="module")
def seed(media: Path) -> Seed:
    """Runs the command; gives what it says."""

    def run(*arguments: str) -> str:
        said = io.StringIO()
        call_command("seed", *arguments, stdout=said, stderr=io.StringIO())
        return said.getvalue()

    return run


@pytest.fixture(scope="module")
def seeded(seed: Seed, django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A seeded shop for all tests of a module, whose own changes are rolled back one by one."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield seed("--products", "120", "--orders", "600")
        transaction.set_rollback(True)
