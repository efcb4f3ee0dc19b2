import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytest_django import Settings

from shopsmart.payments.tests.gateway_process import PATIENCE_S, GatewayProcess


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"))
    yield gateway
    gateway.kill()


@pytest.fixture
def gateway(running_gateway: GatewayProcess, settings: Settings) -> GatewayProcess:
    """The card gateway that the shop asks. It is not to be killed: other tests use it too."""
    settings.CARD_GATEWAY_URL = running_gateway.url
    settings.CARD_GATEWAY_READ_TIMEOUT = PATIENCE_S
    return running_gateway


@pytest.fixture
def mortal_gateway(tmp_path: Path, settings: Settings) -> Iterator[GatewayProcess]:
    """A card gateway of this one test, which may kill it."""
    gateway = GatewayProcess(tmp_path)
    settings.CARD_GATEWAY_URL = gateway.url
    settings.CARD_GATEWAY_READ_TIMEOUT = PATIENCE_S
    yield gateway
    gateway.kill()


@pytest.fixture
def something_else(settings: Settings) -> Iterator[None]:
    """Where the gateway should be, some other server answers 404 with a page."""

    class NotFound(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            self.send_error(404)

        def do_PUT(self) -> None:
            self.send_error(404)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as server:
        settings.CARD_GATEWAY_URL = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield
        server.shutdown()
        thread.join()
