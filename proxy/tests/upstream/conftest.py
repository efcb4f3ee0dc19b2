"""The event loop of these tests."""

import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on what runs in production."""
    return {"uvloop": uvloop.new_event_loop}
