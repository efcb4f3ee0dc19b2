"""Servers under measurement: started on cores of their own, accounted for by the kernel, ended with all they started.

A child is told to end when this process ends, however it ends (``setpriv --pdeathsig``); what it has started itself is
known by its tree, which is looked at before it is stopped.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 15.0
LAST_WORDS = 2000


class Failed(Exception):  # noqa: N818
    """Something can't be measured; the text says why."""


class Cores(NamedTuple):
    """Who runs where: the proxies on the first core, everything else on the others."""

    proxy: list[int]
    load: list[int]

    @classmethod
    def here(cls) -> "Cores":
        """Of this machine. With one core alone both share it."""
        cores = sorted(os.sched_getaffinity(0))
        return cls(cores[:1], cores[1:] or cores[:1])


def pinned(cores: Iterable[int], command: Sequence[str]) -> list[str]:
    """The command, confined to the cores, and ended when we are."""
    listed = ",".join(map(str, cores))
    return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", listed, *command]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nobody listens, all different."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


class Running:
    """A server and all the processes it has started."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._root = psutil.Process(process.pid)
        self._known: set[psutil.Process] = {self._root}

    @property
    def pid(self) -> int:
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether the process that was started is gone."""
        return self._process.poll() is not None

    def last_words(self) -> str:
        """The end of what it has printed."""
        return self.log.read_text(errors="replace")[-LAST_WORDS:]

    def tree(self) -> list[psutil.Process]:
        """All its processes that live."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._known.update(self._root.children(recursive=True))
        # Whose parent has ended belongs to it all the same.
        self._known = {each for each in self._known if each.is_running()}
        return sorted(self._known, key=lambda each: each.pid)

    def cpu_s(self) -> dict[str, float]:
        """User and system time so far, by what a process is; what ended and was waited for counts for its parent."""
        used: dict[str, float] = {}
        for each in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                what = _role(each)
                used[what] = used.get(what, 0.0) + sum(times[:4])
        return used

    def pss_bytes(self) -> int:
        """Proportional set size of the tree: memory of its own, and its part of what is shared. Not the kernel's buffers."""
        total = 0
        for each in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                total += each.memory_full_info().pss
        return total

    def find(self, mark: str) -> psutil.Process:
        """Its one process whose command line holds ``mark``."""
        for each in self.tree():
            if mark in " ".join(each.cmdline()):
                return each
        raise Failed(f"{self.name} has no process with {mark!r}")

    def stop(self) -> None:
        """SIGTERM, and what does not go in time is killed."""
        tree = self.tree()
        if not self.has_ended():
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_S)
        for each in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self._process.wait()
        psutil.wait_procs([each for each in tree if each.pid != self.pid], timeout=STOP_TIMEOUT_S)


def _role(process: psutil.Process) -> str:
    """What a process does, by its command line."""
    words = process.cmdline()
    for word in words:
        if word.startswith("stranglerfig."):
            return word.removeprefix("stranglerfig.")
        if Path(word).name == "fig":
            return "supervisor"
    # A process that names itself, such as `nginx: worker process`, does so in its first word.
    return Path(words[0]).name if words and ":" not in words[0] else " ".join(words)


@contextlib.contextmanager
def started(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    cores: Iterable[int],
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """A server, from when it is ready to the end of the block."""
    if missing := [each for each in ("setpriv", "taskset") if shutil.which(each) is None]:
        raise Failed(f"{' and '.join(missing)} is missing (apt-get install util-linux)")
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("ab") as printed:
        process = subprocess.Popen(
            pinned(cores, command),
            cwd=folder,
            env={**os.environ, "HOME": str(folder), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
    running = Running(name, process, log)
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while not ready():
            if running.has_ended() or time.monotonic() > until:
                raise Failed(f"{name} did not start:\n{running.last_words()}")
            time.sleep(0.05)
        yield running
    finally:
        running.stop()
