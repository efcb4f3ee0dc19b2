"""Whatever text fig.yaml holds: it is a config that can be used, or all its mistakes are told; never anything else."""

from stranglerfig.config.load import Loaded, parse
from stranglerfig.config.problem import ConfigError, Problem
from stranglerfig.routing.snapshot import compile_snapshot


def check_config(data: bytes) -> None:
    """Raise if ``data`` as the content of fig.yaml is neither used nor refused."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        loaded = parse(text, "fig.yaml")
    except ConfigError as error:
        check_problems(error.problems, text)
    else:
        check_loaded(loaded)


def check_problems(problems: tuple[Problem, ...], text: str) -> None:
    assert problems, "refused without a reason"
    lines = len(text.splitlines()) + 1
    for problem in problems:
        assert 0 <= problem.line <= lines, problem
        assert problem.message, problem
        assert problem.mend, problem
        str(problem).encode()  # half a character would not reach a terminal


def check_loaded(loaded: Loaded) -> None:
    snapshot = compile_snapshot(loaded.config, {}, 1)
    for capability in loaded.config.capabilities.values():
        for route in capability.routes:
            str(route.text).encode()
    for path in ("/", "/a/b/c", "/_chassis/livez", "/\u00e9", ""):
        snapshot.table.match("GET", path)
    for warning in loaded.warnings:
        str(warning).encode()
