"""The rules that hold for a path, by fig.yaml and fig.rules.yaml: for answers that were asked for without the proxy."""

from collections.abc import Callable
from pathlib import Path

from stranglerfig.cli.output import fail, fail_with_problems
from stranglerfig.compare.rules import RouteRules, load_rules
from stranglerfig.config.load import load
from stranglerfig.config.problem import ConfigError
from stranglerfig.control.source import RULES_NAME
from stranglerfig.routing.path import wsgi_path
from stranglerfig.routing.snapshot import compile_snapshot


def rules_by_path(config: str) -> Callable[[str], RouteRules | None]:
    """Give the rules of the route that claims a GET of a path; none where nothing claims it. Ends the command if a file is bad."""
    path = Path(config)
    rules_path = path.with_name(RULES_NAME)
    if not rules_path.exists():
        fail(f"there is no {rules_path}", mend="leave out --rules, or name its fig.yaml: --config")
    try:
        table = compile_snapshot(load(path).config, {}, 0).table
        rules = load_rules(rules_path)
    except ConfigError as error:
        fail_with_problems(error.problems)

    def rules_of(asked: str) -> RouteRules | None:
        claim = table.match("GET", wsgi_path(asked.encode("ascii")))
        return None if claim is None else rules.for_route(claim.capability, claim.text)

    return rules_of
