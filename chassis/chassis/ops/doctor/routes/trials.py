"""Whether a pattern comes to an end with a path: some expressions try so many ways that they never do.

Only what could take long is tried in a process of its own, which can be ended; for all others it is certain beforehand.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from django.urls.resolvers import RegexPattern, RoutePattern

from chassis.ops.doctor.routes.risk import could_take_long

# For all paths that one expression is tried on, together.
LIMIT_S: Final = 2.0
# What takes less is as good as nothing, however often it comes.
_NOTHING_S: Final = 0.001
_PROGRAM: Final = Path(__file__).with_name("trial.py")


class Trials:
    """Tries what could take long elsewhere. `slow`: by the id of a pattern, the path it did not come to an end with."""

    def __init__(self) -> None:
        self.slow: dict[int, str] = {}
        self._too_slow: dict[re.Pattern[str], str] = {}
        self._spent: dict[re.Pattern[str], float] = {}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def is_in_time(self, pattern: Any, text: str) -> bool:
        """Whether a pattern of Django's may be asked to match `text`. One that was too slow once is not tried again."""
        if type(pattern) is RoutePattern and not pattern.converters:
            return True
        regex = getattr(pattern, "regex", None)
        if not isinstance(regex, re.Pattern):
            return True
        is_endpoint = isinstance(pattern, RegexPattern) and pattern._is_endpoint  # type: ignore[attr-defined]
        is_full = is_endpoint and regex.pattern.endswith("$")  # as RegexPattern.match has it
        return self.searches_in_time(pattern, regex, text, is_full=is_full)

    def is_slow(self, chain: Iterable[Any]) -> bool:
        """Whether one of these resolvers and patterns was too slow."""
        return any(id(getattr(one, "pattern", None)) in self.slow for one in chain)

    def searches_in_time(
        self, pattern: Any, regex: "re.Pattern[str]", text: str, *, is_full: bool = False
    ) -> bool:
        """The same of one expression of that pattern."""
        if regex not in self._too_slow:
            if not could_take_long(regex, len(text)) or self._ends(regex, text, is_full):
                return True
            self._too_slow[regex] = text
        self.slow.setdefault(id(pattern), self._too_slow[regex])
        return False

    def _ends(self, regex: "re.Pattern[str]", text: str, is_full: bool) -> bool:
        left = LIMIT_S - self._spent.get(regex, 0.0)
        if left <= 0:
            return False
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = json.dumps([regex.pattern, regex.flags & ~re.DEBUG, text, is_full, left])
        with suppress(BrokenPipeError):
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            self._end()
            return False
        took = float(answer)
        if took > _NOTHING_S:
            self._spent[regex] = self._spent.get(regex, 0.0) + took
        return True

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
