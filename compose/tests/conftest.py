from collections.abc import Iterator
from pathlib import Path

import pytest
from catcher_process import CatcherProcess
from gateway_process import GatewayProcess


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A card gateway with an empty ledger."""
    with GatewayProcess(tmp_path) as running:
        yield running


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[CatcherProcess]:
    """A mail catcher with an empty box."""
    with CatcherProcess(tmp_path / "box.sqlite3") as running:
        yield running
