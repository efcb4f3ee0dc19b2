"""A real ``fig serve`` and a real tiny upstream for tests, each on a port of its own."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from stranglerfig.config.load import digest_of
from stranglerfig.signing.seal import sign

SECRET = "a secret of the tests"
READY_S = 30.0


class Upstream:
    """Answers every path with its own name; ``/held`` waits until ``release`` is set."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.release = threading.Event()
        self.held = threading.Event()
        self.requests = 0
        self.more: Callable[[], dict[str, Any]] = dict
        """Further members of each answer."""
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                upstream.requests += 1
                if self.path.startswith("/held"):
                    upstream.held.set()
                    upstream.release.wait(20)
                told = {"upstream": upstream.name, "path": self.path, **upstream.more()}
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a proxy that is killed leaves broken connections

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Fig:
    """One proxy in a folder: started, asked, killed, started again."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.config = folder / "fig.yaml"
        self.config.write_text(config)
        self.original = config
        self.state_dir = folder / ".fig"
        self.process: subprocess.Popen[bytes] | None = None
        #: What stands before the command, such as one that takes rights away.
        self.prefix: list[str] = []
        #: Where its log goes, if not to fig.log.
        self.stderr: int | None = None
        self.environment = {
            **os.environ,
            "FIG_SECRET": SECRET,
            "FIG_LOG": "json",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for name in ("CHASSIS_CREDENTIAL", "CHASSIS_CREDENTIAL_FILE"):
            self.environment.pop(
                name, None
            )  # or the tests' upstreams would be asked what they don't know

    def start(self, *arguments: str) -> "Fig":
        """Start it and wait until it is ready."""
        self.launch(*arguments)
        self.wait_ready()
        return self

    def replace(self, *arguments: str) -> None:
        """Let a new one take the place of the one that runs, and see that one end well."""
        replaced = self.process
        assert replaced is not None
        self.start("--replace", *arguments)
        assert replaced.wait(30) == 0

    def launch(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it only; what it logs goes to fig.log, or to ``stderr``."""
        with (self.folder / "fig.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *self.prefix,
                    sys.executable,
                    "-m",
                    "stranglerfig",
                    "serve",
                    "--config",
                    str(self.config),
                    *arguments,
                ],
                stdout=log,
                stderr=log if self.stderr is None else self.stderr,
                env=self.environment,
                cwd=self.folder,
            )
        return self.process

    def wait_ready(self) -> None:
        process = self.process
        assert process is not None

        def is_ready() -> bool:
            assert process.poll() is None, self.log()
            return self.facts().get("pid") == process.pid

        wait_until(is_ready, READY_S, self.log)

    def facts(self) -> dict[str, Any]:
        """serve.json, or nothing."""
        try:
            facts: dict[str, Any] = json.loads((self.state_dir / "serve.json").read_text())
        except FileNotFoundError:
            return {}
        return facts

    def log(self) -> str:
        return (self.folder / "fig.log").read_text()

    def pids(self, role: str) -> list[int]:
        return [child["pid"] for child in self.facts()["children"] if child["role"] == role]

    @property
    def port(self) -> int:
        return int(self.facts()["listen"].rpartition(":")[2])

    def pin_ports(self) -> None:
        """Write the ports that were picked into the file, for the next start."""
        text = self.config.read_text()
        text = text.replace("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{self.port}")
        self.config.write_text(text)

    def get(
        self, path: str, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One GET on a connection of its own."""
        return self.ask("GET", path, headers)

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            given = {"Connection": "close", **(headers or {})}
            connection.request(method, path, body=body, headers=given)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def generation_of(self, path: str) -> int:
        """The generation of the table that routed a request to ``path``."""
        _, headers, _ = self.get(path, {"Fig-Debug": debug_header()})
        return generation_in(headers["Fig-Plan"])

    def admin(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        host, _, port = self.facts()["admin"].rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json"} if content is not None else {}
        try:
            connection.request(method, path, body=content, headers={**given, **(headers or {})})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        status, _, body = self.admin("GET", "/api/status")
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    def set(self, capability: str, stage: str, percent: float | None = None) -> dict[str, Any]:
        body: dict[str, Any] = {"capability": capability, "stage": stage, "why": "a test"}
        if percent is not None:
            body["percent"] = percent
        status, _, answer = self.admin("POST", "/api/set", body)
        assert status == 200, answer
        found: dict[str, Any] = json.loads(answer)
        return found

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a ``fig`` command on this proxy's config."""
        return subprocess.run(
            [sys.executable, "-m", "stranglerfig", *arguments, "--config", str(self.config)],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            timeout=60,
            check=False,
        )

    def audit(self) -> list[dict[str, Any]]:
        return [
            json.loads(line) for line in (self.state_dir / "audit.jsonl").read_text().splitlines()
        ]

    def edit(self, old: str, new: str) -> None:
        """Save the file as an editor does: a new file, renamed onto the old one."""
        text = self.config.read_text()
        assert old in text
        self.save(text.replace(old, new, 1))

    def save(self, text: str) -> None:
        beside = self.folder / "fig.yaml.tmp"
        beside.write_text(text)
        beside.replace(self.config)

    def reset(self) -> None:
        """Bring a proxy that other tests used back to how it started, but for the generation."""
        self.save(self.original)
        for capability in self.status()["capabilities"]:
            if capability["aborted"]:
                self.set(capability["name"], "monolith")
        digest = digest_of(self.original)
        wait_until(lambda: self.status()["digest"] == digest and not self.status()["config_bad"])

    @property
    def generation(self) -> int:
        found: int = self.status()["generation"]
        return found

    @property
    def effective(self) -> int:
        """The oldest table by which some worker routes."""
        return min(worker["generation"] or 0 for worker in self.status()["workers"])

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """End the supervisor alone, with no chance to say goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def processes(self) -> list[int]:
        """Every process that works in state_dir now."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").readlink() == self.state_dir:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


def debug_header() -> str:
    return sign("Fig-Debug", "plan", int(time.time()) + 60, SECRET.encode())


def generation_in(plan: str) -> int:
    """Read the generation out of a Fig-Plan header."""
    words = dict(part.strip().split("=", 1) for part in plan.split(";") if "=" in part)
    return int(words["generation"].strip('"'))


def wait_until(
    condition: Callable[[], object], timeout_s: float = 30.0, explain: Callable[[], object] = str
) -> None:
    """Wait until the condition holds; fails with ``explain()`` when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.01)


class Load:
    """Clients that go on asking until stopped, each request on a new connection or a kept one."""

    def __init__(self, port: int, path: str, *, clients: int = 6) -> None:
        self.port = port
        self.path = path
        self.answers = 0
        #: How often a client that keeps its connection opened one.
        self.kept_opened = 0
        self.failures: list[str] = []
        self.bodies: dict[bytes, int] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(clients)
        ]

    def _ask(self, keeps: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        while not self._stopping.is_set():
            try:
                if not keeps:
                    connection.close()
                elif connection.sock is None:
                    with self._lock:
                        self.kept_opened += 1
                self._ask_once(connection)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with self._lock:
                    self.failures.append(repr(error))
        connection.close()

    def _ask_once(self, connection: http.client.HTTPConnection) -> None:
        connection.request("GET", self.path)
        response = connection.getresponse()
        body = response.read()
        with self._lock:
            if response.status != 200:
                self.failures.append(f"{response.status} {body!r}")
            self.answers += 1
            self.bodies[body] = self.bodies.get(body, 0) + 1

    def more(self, answers: int = 50) -> None:
        """Wait for some more answers."""
        wanted = self.answers + answers
        wait_until(lambda: self.answers >= wanted, explain=lambda: self.failures)

    @contextmanager
    def running(self) -> "Iterator[Load]":
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()
