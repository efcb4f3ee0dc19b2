from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_process import GatewayProcess


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A card gateway with an empty ledger."""
    with GatewayProcess(tmp_path) as running:
        yield running
