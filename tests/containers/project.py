"""The system of compose.yaml as its user runs it: `docker compose` (or docker-compose 1.29), with files and names of its own."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose"
BUILD_WITHIN_S = 1800
COMMAND_WITHIN_S = 600


class Missing(Exception):  # noqa: N818
    """What this machine lacks; the text says what to do."""


def compose_command() -> list[str]:
    """What the environment's COMPOSE names, else the first that is there. Raises Missing."""
    if named := os.environ.get("COMPOSE"):
        return named.split()
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and _succeeds([*command, "version"]):
            return command
    raise Missing(
        "Compose is not installed: install Compose v2 (docker compose) or docker-compose 1.29."
    )


def check_engine() -> None:
    """Raises Missing where no Docker engine answers."""
    if shutil.which("docker") is None or not _succeeds(["docker", "version"]):
        raise Missing(
            "No Docker engine answers. Start it, and see to it that this user may use it (docker version)."
        )


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


class Project:
    """One run of the system under a name of its own."""

    def __init__(self, folder: Path) -> None:
        self.name = f"fig-test-{secrets.token_hex(4)}"
        self.files = folder / "stack"
        self.command = compose_command()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        env = folder / "env"
        made = subprocess.run(
            ["python3", "-m", "compose_files", "--folder", str(self.files), "--env", str(env)],
            cwd=COMPOSE,
            check=True,
            capture_output=True,
            text=True,
        )
        assert "secrets/fig_secret" in made.stdout
        written = dict(line.split("=", 1) for line in env.read_text().splitlines())
        self.environment = {
            **os.environ,
            **written,
            "COMPOSE_PROJECT_NAME": self.name,
            "STACK_DIR": str(self.files),
            "PROXY_AT": f"127.0.0.1:{self.port}",
            "PUBLIC_URL": self.url,
            # Beside a system that runs already.
            "SHOP_NET": f"10.214.{secrets.randbelow(256)}",
            "FRONT_NET": f"10.215.{secrets.randbelow(256)}",
        }

    @property
    def fig_file(self) -> Path:
        return self.files / "fig" / "fig.yaml"

    def compose(self, *words: str, check: bool = True, within_s: float = COMMAND_WITHIN_S) -> str:
        """Run a command of Compose; gives what it printed. With `check`, a failure raises with its output."""
        done = subprocess.run(
            [*self.command, *words],
            cwd=COMPOSE,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            check=False,
            capture_output=True,
            text=True,
            timeout=within_s,
        )
        if check and done.returncode != 0:
            shown = done.stdout[-3000:] + done.stderr[-6000:]
            raise AssertionError(f"{' '.join(words)} gave {done.returncode}\n{shown}")
        return done.stdout if check else done.stdout + done.stderr

    def exec(self, service: str, *command: str, check: bool = True) -> str:
        """Run a command in a running container of a service."""
        return self.compose("exec", "-T", service, *command, check=check)

    def fig(self, *words: str) -> Any:
        """A command of fig as an operator gives it, inside the proxy's container; gives its JSON."""
        return json.loads(self.exec("proxy", "fig", *words, "--json"))

    def containers(self, service: str | None = None, *, all_: bool = True) -> list[dict[str, Any]]:
        """What the engine knows of the containers of a service, or of all."""
        labels = [f"com.docker.compose.project={self.name}"]
        if service is not None:
            labels.append(f"com.docker.compose.service={service}")
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        ids = docker("ps", "--quiet", *(["--all"] if all_ else []), *filters).split()
        found: list[dict[str, Any]] = json.loads(docker("inspect", *ids)) if ids else []
        return found

    def left(self) -> dict[str, list[str]]:
        """What there is of this project: containers, networks, volumes."""
        label = f"label=com.docker.compose.project={self.name}"
        return {
            "containers": docker("ps", "--all", "--quiet", "--filter", label).split(),
            "networks": docker("network", "ls", "--quiet", "--filter", label).split(),
            "volumes": docker("volume", "ls", "--quiet", "--filter", label).split(),
        }

    def mails(self, to: str) -> list[dict[str, Any]]:
        """The mails for an address, asked inside the mail catcher's container: it is not published."""
        ask = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8191/api/mails?to={to}').read().decode())"
        found: list[dict[str, Any]] = json.loads(self.exec("mail", "python", "-c", ask))["mails"]
        return found

    def wait_until(self, holds: Callable[[], bool], what: str, within_s: float = 120) -> float:
        """Ask again and again; gives how long it took. Raises AssertionError."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            if holds():
                return time.monotonic() - began
            time.sleep(0.2)
        shown = self.compose("ps", check=False) + self.compose("logs", "--tail", "20", check=False)
        raise AssertionError(f"{what}: not within {within_s:.0f} s\n{shown[-6000:]}")

    def is_healthy(self, service: str, count: int = 1) -> bool:
        """Whether so many containers of a service run and say that they are well."""
        states = [each["State"] for each in self.containers(service, all_=False)]
        well = [state for state in states if state.get("Health", {}).get("Status") == "healthy"]
        return len(well) == len(states) == count

    def get(self, path: str) -> requests.Response:
        """Ask the proxy on a connection of its own."""
        return requests.get(f"{self.url}{path}", timeout=30, headers={"Connection": "close"})

    def answered_by(self) -> dict[str, int]:
        """How many requests for the catalogue each side has answered so far."""
        (catalog,) = self.fig("status")["capabilities"]
        counted: dict[str, int] = catalog["requests"]
        return counted

    def edit(self, pattern: str, replacement: str) -> None:
        """Change a line of fig.yaml outside, as an editor does that writes in place."""
        text, count = re.subn(pattern, replacement, self.fig_file.read_text(), count=1)
        assert count == 1, f"fig.yaml has no {pattern}"
        self.fig_file.write_text(text)


def docker(*words: str) -> str:
    """Run a command of docker; gives what it printed."""
    done = subprocess.run(
        ["docker", *words], check=False, capture_output=True, text=True, timeout=COMMAND_WITHIN_S
    )
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout


def log_of(container: str) -> str:
    """What a container has logged so far, on both of its outputs."""
    done = subprocess.run(
        ["docker", "logs", container],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_WITHIN_S,
    )
    return done.stdout
