"""Rules that can cover nothing, since fig.yaml has no such capability or route: a typing error, or left over."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from stranglerfig.compare.rules import parse_rules
from stranglerfig.config.model import Config
from stranglerfig.config.problem import Problem
from stranglerfig.config.yaml_source import read_yaml


def find_stray_rules(text: str, path: Path, config: Config) -> Iterator[Problem]:
    """A warning for each rule of a rules file that no request can reach. Raises ConfigError if the file is bad.

    Warnings, not mistakes: two files cannot be saved at the same instant, and a rule too many hides nothing.
    """
    _, positions = read_yaml(text, str(path))
    for number, rule in enumerate(parse_rules(text, path).rules):
        capability = config.capabilities.get(rule.capability)
        if capability is None:
            key, value, known = "capability", rule.capability, list(config.capabilities)
        else:
            known = [route.text for route in capability.routes]
            if rule.route is None or rule.route in known:
                continue
            key, value = "route", rule.route
        line, column = positions.at(("rules", number, key))
        near = get_close_matches(value, known, 1, 0.6)
        yield Problem(
            str(path),
            line,
            column,
            f"rules[{number}].{key}",
            f"fig.yaml has no {key} {value!r}, so the rule covers nothing",
            f"did you mean {near[0]}?" if near else "remove the rule",
        )
