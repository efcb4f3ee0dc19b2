"""What tests across parts share: a seeded shop, made once."""

from collections.abc import Iterator

import pytest
from planted.shops import TwoShops
from servers.postgresql import PostgreSQL
from stack import SeededData


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> SeededData:
    """Databases to start stacks from; each stack copies them."""
    return SeededData.make(tmp_path_factory.mktemp("seeded"))


@pytest.fixture(scope="session")
def two_shops(tmp_path_factory: pytest.TempPathFactory, seeded: SeededData) -> Iterator[TwoShops]:
    """The shop, and the one with planted bugs, of which none is on."""
    with TwoShops.started(tmp_path_factory.mktemp("two-shops"), seeded) as shops:
        yield shops


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server that lives as long as the tests."""
    with PostgreSQL.started() as server:
        yield server


@pytest.fixture(scope="session")
def seeded_on_postgresql(
    postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> SeededData:
    """The same as `seeded`, in databases of that server."""
    return SeededData.make(tmp_path_factory.mktemp("seeded"), server=postgresql)


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def seeded_on(request: pytest.FixtureRequest) -> SeededData:
    """Both, one after the other."""
    name = "seeded" if request.param == "SQLite" else "seeded_on_postgresql"
    found: SeededData = request.getfixturevalue(name)
    return found
