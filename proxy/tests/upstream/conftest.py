"""The event loop of these tests."""

import asyncio
import socket
from collections.abc import Callable, Iterator

import pytest
import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on what runs in production."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Listen, and leave accepting to the test."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening
