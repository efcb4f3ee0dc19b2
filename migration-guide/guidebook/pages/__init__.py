"""Markdown in, blocks with their lines out. The format is told in ``guidebook/README.md``."""

from guidebook.pages.command import Block, Command, Interrupt, read_block
from guidebook.pages.directive import Directive, DirectiveError, read_directive
from guidebook.pages.page import Comment, Fence, Heading, Link, Page, read_page

__all__ = [
    "Block",
    "Command",
    "Comment",
    "Directive",
    "DirectiveError",
    "Fence",
    "Heading",
    "Interrupt",
    "Link",
    "Page",
    "read_block",
    "read_directive",
    "read_page",
]
