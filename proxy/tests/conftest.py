"""Real processes for the tests of the control plane and the commands."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fig_process import Fig, Upstream, wait_until
from hypothesis import settings

# How long one example takes says more about what else the machine does than about the code.
settings.register_profile("proxy", deadline=None)
settings.load_profile("proxy")

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: {workers}
upstreams:
  monolith: {monolith}
  catalog: {catalog}
capabilities:
  catalog:
    upstream: catalog
    stage: monolith   # the word one changes
    routes:
      - GET /api/catalog/**
      - GET /held/**
"""


@pytest.fixture(autouse=True)
def _no_file_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIG_CONFIG", raising=False)


@pytest.fixture(scope="module")
def monolith() -> Iterator[Upstream]:
    upstream = Upstream("monolith")
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def catalog() -> Iterator[Upstream]:
    upstream = Upstream("catalog")
    yield upstream
    upstream.close()


def write_config(monolith: Upstream, catalog: Upstream, workers: int = 1) -> str:
    return CONFIG.format(workers=workers, monolith=monolith.url, catalog=catalog.url)


@pytest.fixture
def make_fig(tmp_path: Path, monolith: Upstream, catalog: Upstream) -> Iterator[Callable[..., Fig]]:
    """Make a proxy that is not started yet: ``make_fig(workers=2)``."""
    made: list[Fig] = []

    def make(workers: int = 1, name: str = "site") -> Fig:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Fig(folder, write_config(monolith, catalog, workers)))
        return made[-1]

    yield make
    for fig in made:
        fig.clean_up()


@pytest.fixture(scope="module")
def shared_fig(
    tmp_path_factory: pytest.TempPathFactory, monolith: Upstream, catalog: Upstream
) -> Iterator[Fig]:
    shared = Fig(tmp_path_factory.mktemp("shared"), write_config(monolith, catalog)).start()
    wait_until(lambda: shared.status()["comparer"]["up"])  # nobody else waits for it
    yield shared
    shared.clean_up()


@pytest.fixture
def fig(shared_fig: Fig) -> Fig:
    """A proxy with one worker that is ready: a module's tests take turns at one, which must survive them."""
    shared_fig.reset()
    return shared_fig
