"""The proxy as its user runs it: a fig.yaml, `fig serve`, and commands beside it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from stack.process import Process, run

START_TIMEOUT_S = 60.0
FIG = str(Path(sys.executable).with_name("fig"))


class Proxy(Process):
    """`fig serve` on free ports; ready when the constructor returns."""

    def __init__(
        self,
        *,
        folder: Path,
        logs: Path,
        config: Mapping[str, Any],
        secret: str,
        credential: str | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        """`credential`: what it asks the shop with for the lag. `wrapper`: a command that runs the one behind it, such as one that takes rights away."""
        folder.mkdir(parents=True, exist_ok=True)
        self.config_path = folder / "fig.yaml"
        self.state_dir = folder / ".fig"
        ports = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"}
        self.config_path.write_text(yaml.safe_dump({**ports, **config}, sort_keys=False))
        super().__init__(
            "proxy",
            [*wrapper, FIG, "serve", "--config", str(self.config_path), "--log", "json"],
            folder=folder,
            log=logs / "proxy.log",
            environment={"FIG_SECRET": secret}
            | ({"CHASSIS_CREDENTIAL": credential} if credential else {}),
        )
        self._facts = self._wait_until_ready()

    @property
    def url(self) -> str:
        return f"http://{self._facts['listen']}"

    @property
    def admin_url(self) -> str:
        return f"http://{self._facts['admin']}"

    def facts(self) -> dict[str, Any]:
        """serve.json as it is now: pid, listen, admin, generation, children."""
        facts: dict[str, Any] = json.loads((self.state_dir / "serve.json").read_bytes())
        return facts

    def fig(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command of fig on this fig.yaml; with `check`, a failure raises with its output."""
        command = [FIG, *arguments, "--config", str(self.config_path)]
        if check:
            return run(command, folder=self._folder, environment=self._environment)
        return subprocess.run(
            command, cwd=self._folder, check=False, capture_output=True, text=True, timeout=60
        )

    def start_again(self) -> None:
        super().start_again()
        self._facts = self._wait_until_ready()

    def stop(self) -> None:
        super().stop()
        # Workers outlive a supervisor that was killed, each in a session of its own.
        for pid in self._left_behind():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start_successor(self) -> None:
        super().start_successor()
        self._facts = self._wait_until_ready()

    def _left_behind(self) -> list[int]:
        """Every process that works in `state_dir`, as those of the proxy do."""
        found = []
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if process.name.isdigit() and (process / "cwd").readlink() == self.state_dir:
                    found.append(int(process.name))
        return found

    def _wait_until_ready(self) -> dict[str, Any]:
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.is_running() and time.monotonic() < deadline:
            try:
                facts = self.facts()
            except (FileNotFoundError, ValueError):
                facts = {}
            if facts.get("pid") == self.pid:
                return facts
            time.sleep(0.02)
        raise self.failure("did not begin to serve")
