from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from shopsmart.payments.tests.gateway_process import GatewayProcess


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Hashing passwords well takes a fifth of a second each; these guard nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"))
    yield gateway
    gateway.kill()


@pytest.fixture
def gateway(running_gateway: GatewayProcess, settings: Settings) -> GatewayProcess:
    """The card gateway that the shop asks. It is not to be killed: other tests use it too."""
    settings.CARD_GATEWAY_URL = running_gateway.url
    settings.CARD_GATEWAY_READ_TIMEOUT = 1
    return running_gateway


@pytest.fixture
def mortal_gateway(tmp_path: Path, settings: Settings) -> Iterator[GatewayProcess]:
    """A card gateway of this one test, which may kill it."""
    gateway = GatewayProcess(tmp_path)
    settings.CARD_GATEWAY_URL = gateway.url
    settings.CARD_GATEWAY_READ_TIMEOUT = 5
    yield gateway
    gateway.kill()
