"""A Django project behind gunicorn, on a port that the kernel chooses and a restart keeps."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from stack.access_log import FORMAT, AccessLine, read_access_log
from stack.listening import Listening

START_TIMEOUT_S = 60.0
GRACEFUL_TIMEOUT_S = 3


class Gunicorn(Listening):
    """Ready when the constructor returns."""

    def __init__(
        self,
        name: str,
        application: str,
        *,
        folder: Path,
        logs: Path,
        environment: Mapping[str, str],
        workers: int = 2,
    ) -> None:
        self.access_log = logs / f"{name}.access.log"
        arguments = [
            *(sys.executable, "-m", "gunicorn", application),
            *("--workers", str(workers), "--threads", "4", "--keep-alive", "75"),
            # Stopped by SIGTERM: the quick stop (SIGINT) takes a lock in its signal handler, and hangs for half a minute
            # when the main thread was just handing a request to a thread. Those that wait are given up after so long.
            *("--graceful-timeout", str(GRACEFUL_TIMEOUT_S)),
            *("--access-logfile", str(self.access_log), "--access-logformat", FORMAT),
        ]
        super().__init__(
            name, arguments, folder=folder, log=logs / f"{name}.log", environment=environment
        )
        self.wait_until_ready()

    def words_for(self, descriptor: int) -> list[str]:
        return ["--bind", f"fd://{descriptor}"]

    def access(self) -> list[AccessLine]:
        """What it has answered so far. gunicorn writes a line when an answer has ended."""
        return read_access_log(self.access_log)

    def start_again(self) -> None:
        super().start_again()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until `/_chassis/readyz` says so."""
        deadline = time.monotonic() + START_TIMEOUT_S
        said = "no answer"
        while self.is_running() and time.monotonic() < deadline:
            try:
                # The kernel holds the connection until gunicorn accepts it: this waits rather than polls.
                answer = requests.get(f"{self.url}/_chassis/readyz", timeout=START_TIMEOUT_S)
            except requests.ConnectionError:
                continue
            if answer.status_code == 200:
                return
            said = answer.text
            time.sleep(0.05)
        raise self.failure(f"did not become ready: {said}")
