from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from shopsmart.payments.tests.gateway_process import GatewayProcess


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"))
    yield gateway
    gateway.kill()


@pytest.fixture
def gateway(running_gateway: GatewayProcess, settings: Settings) -> GatewayProcess:
    """The card gateway that the shop asks. It is not to be killed: other tests use it too."""
    settings.CARD_GATEWAY_URL = running_gateway.url
    settings.CARD_GATEWAY_READ_TIMEOUT = 20
    return running_gateway


@pytest.fixture
def after_commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[[], AbstractContextManager[Any]]:
    """`with after_commit():` does at its end what waits for the commit, which no test's transaction makes."""
    return partial(django_capture_on_commit_callbacks, execute=True)
