"""The demo uses the proxy as a person would: it changes with the command ``fig``, and reads from the admin API."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import requests

from demo.failure import DemoError

CAPABILITY = "catalog"


@dataclass(frozen=True)
class Counts:
    """What the proxy counted for the capability; differences of two are counts too."""

    monolith: int
    service: int
    own_writes: int
    """Of those by the monolith: reads that followed a write of the same user, which only the monolith has for certain."""
    asked: int
    not_teed: int
    teed: int
    equal: int
    different: int
    ignored: int
    no_answer: int
    skipped: int
    lost: int
    waiting: int
    under_way: int
    lag: int = 0
    noise: int = 0
    questions_again: int = 0
    """What both sides were asked once more, to settle what differed and to know what differs by itself."""

    @property
    def answered(self) -> int:
        return self.monolith + self.service

    @property
    def accounted(self) -> int:
        """What became of the observations handed to the comparer."""
        return self._compared + self.skipped + self.lost

    @property
    def asked_again(self) -> int:
        """Questions for comparison's sake: one for each observation whose other side was asked, and those to settle it."""
        return self._compared + self.questions_again

    @property
    def _compared(self) -> int:
        return self.equal + self.different + self.ignored + self.lag + self.noise + self.no_answer

    @property
    def unsettled(self) -> int:
        """Answers to be compared that have come to no end yet."""
        return self.waiting + self.under_way

    def since(self, earlier: "Counts") -> "Counts":
        """What was counted after ``earlier``."""
        return Counts(*(getattr(self, f.name) - getattr(earlier, f.name) for f in fields(Counts)))


@dataclass(frozen=True)
class Fig:
    """The command, with the config and the secrets of this demo."""

    config: Path
    environment: dict[str, str]
    admin: str
    """The admin API's URL: faster to ask again and again than a command is to start."""

    @property
    def serve_command(self) -> list[str]:
        """What starts the proxy."""
        return [self._command, "serve", "--config", str(self.config)]

    def shown(self, *words: str) -> str:
        """A command as a person in this folder would type it."""
        command = [self._command, *words, "--config", str(self.config)]
        return shlex.join(
            os.path.relpath(word) if word.startswith("/") else word for word in command
        )

    def set_words(self, stage: str, percent: int | None, why: str) -> tuple[str, ...]:
        """The words that change the stage."""
        share = () if percent is None else (str(percent),)
        return ("set", CAPABILITY, stage, *share, "--why", why)

    def set_stage(self, stage: str, percent: int | None, why: str) -> float | None:
        """Change the word; return the milliseconds from the call to its being effective on every worker."""
        answer = self._json(*self.set_words(stage, percent, why))
        effective = answer.get("effective_ms")
        return float(effective) if effective is not None else None

    def counts(self) -> Counts:
        """Read the counts so far."""
        status = requests.get(f"{self.admin}/api/status", timeout=10).json()
        [found] = [item for item in status["capabilities"] if item["name"] == CAPABILITY]
        account = found["comparison"]
        return Counts(
            monolith=found["requests"]["monolith"],
            service=found["requests"]["service"],
            own_writes=found["wrote"]["monolith"],
            not_teed=sum(account["not_teed"].values()),
            skipped=sum(account["skipped"].values()),
            lost=sum(account["lost"].values()),
            questions_again=sum(account["asked_again"].values()),
            **{
                name: account[name]
                for name in (
                    "asked",
                    "teed",
                    "equal",
                    "different",
                    "ignored",
                    "lag",
                    "noise",
                    "no_answer",
                    "waiting",
                    "under_way",
                )
            },
        )

    @property
    def _command(self) -> str:
        return str(Path(sys.executable).with_name("fig"))

    def _json(self, *words: str) -> dict[str, Any]:
        command = [self._command, *words, "--config", str(self.config), "--json"]
        done = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise DemoError(f"fig {' '.join(words)} ended with {done.returncode}: {done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
