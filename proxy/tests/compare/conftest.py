"""Fixtures of the comparer's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from comparer_world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.control.start()
    await made.candidate.start()
    yield made
    await made.close()
    await made.control.stop()
    await made.candidate.stop()
