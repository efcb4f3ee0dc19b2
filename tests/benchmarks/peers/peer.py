"""What the harness must know of a proxy."""

import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.job import Job, Place

FOLDER_VARIABLE = "BENCH_PEERS"
CHECK_TIMEOUT_S = 60.0


class Gap(StrEnum):
    """What of the job a proxy does not do."""

    NO_USER_COOKIE = "gives no cookie to users who have none"
    OWN_COOKIE = "splits by a cookie of its own, not by the user's"
    EACH_REQUEST = "splits each request anew, not by user"
    NO_REQUEST_ID = "sets no X-Request-Id"
    OTHER_ADDRESS = "names the machine's own address for clients on loopback"
    NO_RELOAD = "takes no new configuration while it runs"


class Refused(Exception):  # noqa: N818
    """A proxy does not take its configuration; the text is what it said."""


def find(program: str) -> str | None:
    """The path of a program: in ``$BENCH_PEERS/bin``, on PATH, or where Debian keeps servers."""
    own = os.environ.get(FOLDER_VARIABLE)
    folders = [f"{own}/bin"] if own else []
    folders += [os.environ.get("PATH", os.defpath), "/usr/sbin"]
    return shutil.which(program, path=os.pathsep.join(folders))


class Peer(ABC):
    """One proxy. ``write`` lays its files into the place's folder; the commands use them."""

    name: ClassVar[str]
    program: ClassVar[str]
    install: ClassVar[str]
    """How it gets onto a machine, in a few words."""
    cannot: ClassVar[tuple[Gap, ...]] = ()

    def missing(self) -> str | None:
        """Why it can't run here, or None."""
        return None if find(self.program) else f"{self.program} is not installed ({self.install})"

    @property
    def path(self) -> str:
        """Of its program, which is there."""
        return find(self.program) or self.program

    @property
    def environment(self) -> Mapping[str, str]:
        """What its environment has beside ours."""
        return {}

    @abstractmethod
    def version(self) -> str:
        """As it says itself."""

    @abstractmethod
    def write(self, job: Job, place: Place) -> None:
        """Write its configuration for the job."""

    @abstractmethod
    def command(self, place: Place) -> list[str]:
        """What runs it in the foreground, with one worker."""

    @abstractmethod
    def check_command(self, place: Place) -> list[str] | None:
        """What says whether it takes what was written, and exits with 0 if so; None: only running it tells."""

    def check(self, place: Place) -> None:
        """Let it look at what was written; raise ``Refused`` with its words."""
        if (command := self.check_command(place)) is not None:
            self.run(command, place)

    def run(self, command: list[str], place: Place) -> None:
        """Run what looks at its configuration and ends; raise ``Refused`` with its words if it fails."""
        done = subprocess.run(
            command,
            cwd=place.folder,
            env={**os.environ, **self.environment},
            check=False,
            timeout=CHECK_TIMEOUT_S,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise Refused(f"{self.name}: {done.stdout.strip()[-2000:]}")

    def reload(self, pid: int, job: Job, place: Place) -> None:
        """Make the running proxy (``pid``) read its configuration anew. By default: written again, then a SIGHUP."""
        self.write(job, place)
        os.kill(pid, signal.SIGHUP)


def said(*command: str) -> str:
    """What a program prints, stdout and stderr."""
    done = subprocess.run(
        command, check=False, timeout=CHECK_TIMEOUT_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )  # fmt: skip
    return done.stdout


def replace(path: Path, text: str) -> None:
    """Put a whole new file in the place of another, so that no watcher sees half of it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
