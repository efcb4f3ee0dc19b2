"""Rules that cover nothing any more, since their last day is over."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from stranglerfig.compare.rules import parse_rules
from stranglerfig.config.problem import Problem
from stranglerfig.config.yaml_source import read_yaml


def find_expired_rules(text: str, path: Path, day: date) -> Iterator[Problem]:
    """A warning for each rule that no longer holds on ``day``: a file that was good goes on being taken."""
    _, positions = read_yaml(text, str(path))
    for number, rule in enumerate(parse_rules(text, path).rules):
        if not rule.holds_on(day):
            where = ("rules", number, "expires")
            yield Problem(
                str(path),
                *positions.at(where),
                f"rules[{number}].expires",
                f"{rule.name} expired on {rule.expires}: what it covered counts as different since",
                "remove the rule, or if it still holds set a new day",
            )
