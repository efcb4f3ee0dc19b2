"""Shown against got: typed placeholders, line by line, and a diff that people can read."""

from guidebook.expected.compare import Shown, read, read_beginning
from guidebook.expected.difference import difference
from guidebook.expected.placeholder import PLACEHOLDERS

__all__ = ["PLACEHOLDERS", "Shown", "difference", "read", "read_beginning"]
