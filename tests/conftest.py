"""What tests across parts share: a seeded shop, made once."""

import pytest
from stack import SeededData


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> SeededData:
    """Databases to start stacks from; each stack copies them."""
    return SeededData.make(tmp_path_factory.mktemp("seeded"))
