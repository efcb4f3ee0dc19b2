from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from shopsmart.orders.tests.gateway import Gateway, run_gateway


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Hashing passwords well takes a fifth of a second each; these guard nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with run_gateway(tmp_path_factory.mktemp("gateway") / "ledger.sqlite3") as gateway:
        yield gateway


@pytest.fixture
def gateway(running_gateway: Gateway, settings: Settings) -> Gateway:
    """The card gateway that the shop asks."""
    settings.CARD_GATEWAY_URL = running_gateway.url
    settings.CARD_GATEWAY_READ_TIMEOUT = 1
    before = running_gateway.entries()
    return replace(running_gateway, since=before[-1]["id"] if before else 0)


@pytest.fixture
def after_commit(django_capture_on_commit_callbacks: Any) -> Any:
    """`with after_commit():` does at its end what waits for the commit, which no test's transaction makes."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
