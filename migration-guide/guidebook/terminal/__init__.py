"""A terminal as the reader has it: bash on a pseudo-terminal, kept for the whole run, ended with all it started."""

from guidebook.terminal.processes import adopt_orphans, end_all
from guidebook.terminal.shell import (
    Answer,
    LateError,
    MistypedError,
    Output,
    ShellEndedError,
    Terminal,
    TooLongError,
)

__all__ = [
    "Answer",
    "LateError",
    "MistypedError",
    "Output",
    "ShellEndedError",
    "Terminal",
    "TooLongError",
    "adopt_orphans",
    "end_all",
]
