"""docs/comparison.md says what the code does."""

import re
from pathlib import Path

import pytest

from stranglerfig.compare.diff.difference import Kind
from stranglerfig.compare.rules import Action, parse_rules

PAGE = Path(__file__).resolve().parents[3] / "docs" / "comparison.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="this part is tested without the house")


def test_the_example_of_the_rules_file_is_one() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    rules = parse_rules(example, PAGE).rules
    assert {rule.action for rule in rules} == set(Action)


def test_every_kind_is_explained() -> None:
    assert all(f"`{kind.value}`" in PAGE.read_text() for kind in Kind)
