"""A child process that is kept running: started again whenever it ends, until it is told to stop."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

import structlog

from stranglerfig.logs import FORMAT_VARIABLE, LogFormat

log = structlog.get_logger(__name__)

STABLE_S = 5.0  # a process that lived this long is started again at once
FIRST_BACKOFF_S = 0.1
LAST_BACKOFF_S = 2.0
_SECRETS = ("FIG_SECRET", "FIG_ADMIN_TOKEN", "CHASSIS_CREDENTIAL")


class KeptProcess:
    """One ``python -m MODULE ARGUMENTS`` with the supervisor's working directory (``state_dir``).

    In a session of its own, so that Ctrl-C on the terminal reaches the supervisor alone, which then ends its children
    in order; and so that it outlives a supervisor that is killed.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        log_format: LogFormat,
        fds: Sequence[int] = (),
        on_exit: Callable[[int], None],
    ) -> None:
        self.name = name
        self.pid: int | None = None
        #: How often it was started.
        self.starts = 0
        #: Epoch seconds of the last start.
        self.started_at = 0.0
        self._command = [sys.executable, "-P", "-m", module, *arguments]
        self._environment = child_environment(log_format)
        self._fds = tuple(fds)
        self._on_exit = on_exit
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start it and keep it running."""
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    def kill(self) -> None:
        """End it this instant; unless it is being stopped it is started again."""
        if self.pid is not None:
            kill(self.pid)

    def abandon(self) -> None:
        """End it this instant and for good."""
        self._stopping = True
        self.kill()

    def let_go(self) -> None:
        """Keep it no longer: it runs on by itself, and whoever comes next ends it."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()

    async def stop(self, deadline_s: float) -> None:
        """Wait until it has ended by itself, at most ``deadline_s`` seconds, and kill it otherwise."""
        self._stopping = True
        if self._task is None:
            return
        if self.pid is None:
            self._task.cancel()  # waits to start it again
        done, _ = await asyncio.wait({self._task}, timeout=deadline_s)
        if not done:
            log.warning("process_killed_at_deadline", process=self.name, pid=self.pid)
            self.kill()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        early_deaths = 0
        while True:
            began = time.monotonic()
            code = await self._run_once()
            if self._stopping:
                return
            self._on_exit(code)
            lived_s = time.monotonic() - began
            early_deaths = 0 if lived_s >= STABLE_S else min(early_deaths + 1, 20)
            backoff_s = _backoff_s(early_deaths)
            log.warning("process_ended", process=self.name, code=code, starts_again_in_s=backoff_s)
            await asyncio.sleep(backoff_s)

    async def _run_once(self) -> int:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=self._fds,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            log.error("process_not_started", process=self.name, error=str(error))
            return 1
        self.pid = process.pid
        self.starts += 1
        self.started_at = time.time()
        try:
            return await process.wait()
        finally:
            self.pid = None


def kill(pid: int) -> None:
    """SIGKILL; a process that is gone already is fine."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def child_environment(log_format: LogFormat) -> dict[str, str]:
    """The environment of children: ours without secrets, which travel over the control channel alone."""
    hidden = {*_SECRETS, *(f"{name}_FILE" for name in _SECRETS)}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, FORMAT_VARIABLE: log_format}


def _backoff_s(early_deaths: int) -> float:
    """At once after a long life and the first time, since a kill is likelier than a bug; then doubling."""
    if early_deaths < 2:
        return 0.0
    return float(min(FIRST_BACKOFF_S * 2 ** (early_deaths - 2), LAST_BACKOFF_S))
