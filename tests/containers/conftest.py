"""One system for all tests of this folder. They run in the order in which they are written: each finds it as the one before left it."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from containers.project import (
    BUILD_WITHIN_S,
    Missing,
    Project,
    check_engine,
    compose_command,
    docker,
)


def pytest_sessionstart() -> None:
    try:
        check_engine()
        compose_command()
    except Missing as missing:
        pytest.exit(str(missing), returncode=1)


class Figures:
    """What was measured, for the page in docs/proof; never asserted."""

    def __init__(self) -> None:
        self.of: dict[str, Any] = {}

    def note(self, name: str, value: Any) -> None:
        self.of[name] = round(value, 1) if isinstance(value, float) else value


MEASURED = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Iterator[Figures]:
    measured = pytestconfig.stash[MEASURED] = Figures()
    began = time.monotonic()
    yield measured
    measured.note("whole duration, s", time.monotonic() - began)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if (measured := config.stash.get(MEASURED, None)) is not None:
        terminalreporter.section("figures")
        terminalreporter.write_line(json.dumps(measured.of, indent=2))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, figures: Figures) -> Project:
    """Every image, built; nothing runs."""
    made = Project(tmp_path_factory.mktemp("containers"))
    figures.note("compose", made.compose("version", "--short").strip())
    figures.note("engine", docker("version", "--format", "{{.Server.Version}}").strip())
    began = time.monotonic()
    made.compose("build", within_s=BUILD_WITHIN_S)
    figures.note("build, s", time.monotonic() - began)
    return made


@pytest.fixture(scope="session")
def project(built: Project, figures: Figures) -> Iterator[Project]:
    """Everything started and found well; taken down whatever happens."""
    try:
        began = time.monotonic()
        built.compose("up", "--detach", within_s=BUILD_WITHIN_S)
        for service in ("proxy", "catalog", "consumer", "jobs"):
            built.wait_until(lambda name=service: built.is_healthy(name), f"{service} is well")
        figures.note("up until everything is well, s", time.monotonic() - began)
        yield built
    finally:
        built.compose("down", "--volumes", "--remove-orphans", "--timeout", "40", check=False)
