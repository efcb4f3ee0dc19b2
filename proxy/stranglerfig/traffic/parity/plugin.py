"""The pytest plugin of parity cases, found by the entry point ``pytest11``.

It is loaded in every test run of an environment that has the proxy: nothing but pytest may be imported here at the start.
"""

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from stranglerfig.traffic.parity.both import Both

MARKER: Final = "fig_parity"
_ASKED: Final = "_fig_both"  # under a name of its own: a project may have a fixture called `both`
_INI: Final = {
    "fig_control": "URL of the server whose answers are right; also FIG_CONTROL",
    "fig_candidate": "URL of the server that should answer alike; also FIG_CANDIDATE",
    "fig_rules": "the rules to judge by; fig.rules.yaml of the root directory by default; also FIG_RULES",
    "fig_host": "the Host that both are asked for; the control's by default; also FIG_HOST",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say where the sides are: on the command line, else by the environment, else in the ini file."""
    group = parser.getgroup("fig", "parity cases of stranglerfig")
    for name, what in _INI.items():
        option = f"--{name.replace('_', '-')}"
        metavar = {"fig_rules": "FILE", "fig_host": "HOST"}.get(name, "URL")
        group.addoption(option, dest=name, default=None, metavar=metavar, help=what)
        parser.addini(name, what, default="")
    strict = "parity cases fail, instead of being skipped, where a side is not given"
    group.addoption("--fig-strict", action="store_true", default=False, help=strict)
    parser.addini("fig_strict", strict, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known to ``--strict-markers``."""
    said = "(*requests, capability, route, …): set by stranglerfig.testing.parity"
    config.addinivalue_line("markers", f"{MARKER}{said}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each request of a case."""
    requests = next(
        (each.args for each in metafunc.definition.iter_markers(MARKER) if each.args), ()
    )
    if len(requests) > 1 and _ASKED in metafunc.fixturenames:
        metafunc.parametrize(_ASKED, requests, indirect=True, ids=[str(each) for each in requests])


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Ask what the case names, before its function goes on."""
    both: Any = pyfuncitem.funcargs.get(_ASKED)
    if both is not None:
        both.begin()


@pytest.fixture(name=_ASKED)
def _both_of_the_case(request: pytest.FixtureRequest) -> "Both":
    from stranglerfig.traffic.parity.opening import open_both

    return open_both(request, MARKER)


@pytest.fixture
def both(_fig_both: "Both") -> "Both":
    """Both sides, each with its cookies: what one is asked the other is asked too, and the answers are compared."""
    return _fig_both
