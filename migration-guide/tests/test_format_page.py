"""The page on the format names all that the code takes."""

import re
from pathlib import Path

import guidebook
from guidebook.expected import PLACEHOLDERS
from guidebook.pages import read_page
from guidebook.pages.directive import OPTIONS

PAGE = read_page(Path(guidebook.__file__).with_name("README.md"), "README.md")


def test_every_placeholder_and_every_option_is_told() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE.text, re.MULTILINE)
    assert set(re.findall(r"`<(\w+)>`", " ".join(rows))) == {*PLACEHOLDERS, "folder"}
    told = {word for row in rows for word in re.findall(r"`([a-z]+)(?:=[^`]*)?`", row)}
    assert set(OPTIONS) <= told
