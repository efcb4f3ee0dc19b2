"""Waiting for what other callbacks do, never longer than needed and never forever."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


async def within(awaitable: Awaitable[T], seconds: float = 30) -> T:
    """Await, and fail after ``seconds``."""
    async with asyncio.timeout(seconds):
        return await awaitable


async def until(condition: Callable[[], object]) -> None:
    """Wait until ``condition()`` is true: for effects that nothing announces."""
    for _ in range(15_000):
        if condition():
            return
        await asyncio.sleep(0.002)
    pytest.fail("it never became true")


async def settled(value: Callable[[], int]) -> None:
    """Wait until ``value()`` has stopped growing."""
    last, same = value(), 0
    while same < 10:
        await asyncio.sleep(0.02)
        now = value()
        same, last = (same + 1, now) if now == last else (0, now)
