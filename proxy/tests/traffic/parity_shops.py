"""Two small shops for parity cases: a WSGI one whose answers a test sets, and a Django one with login, CSRF and a cart."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import stranglerfig

DJANGO_SHOP = Path(__file__).with_name("django_shop.py")
TREE = Path(stranglerfig.__file__).parents[1]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a proxy that is killed leaves broken connections


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class Shop:
    """Answers every path with ``said``, as JSON unless it is bytes; notes what it was asked."""

    def __init__(self, said: Any = None) -> None:
        self.said = said
        self.status = "200 OK"
        self.asked: list[tuple[str, str, str]] = []
        self._server = make_server("127.0.0.1", 0, self._answer, _Server, _Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        query = environ["QUERY_STRING"]
        target = environ["PATH_INFO"] + (f"?{query}" if query else "")
        self.asked.append((environ["REQUEST_METHOD"], target, environ.get("HTTP_HOST", "")))
        said = self.said() if callable(self.said) else self.said
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        kind = "text/html" if isinstance(said, bytes) else "application/json"
        start(self.status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class DjangoShop:
    """The Django one, as a process of its own; ``flaw`` is how it differs."""

    def __init__(self, flaw: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(DJANGO_SHOP), flaw], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def run_pytest(folder: Path, *arguments: str, sides: tuple[Any, Any] | None = None) -> str:
    """What a pytest of its own says of the tests in a folder, with the plugin and no other; its exit code comes last."""
    urls = [] if sides is None else ["--fig-control", sides[0].url, "--fig-candidate", sides[1].url]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FIG_", "PYTEST_"))
    }
    ended = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "stranglerfig.traffic.parity.plugin", "-p", "no:cacheprovider",
            "-W", "error", "--strict-markers", "--strict-config", "-rs", "--rootdir", str(folder), *urls, *arguments,
        ],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(TREE), "COLUMNS": "200"},
    )  # fmt: skip
    return f"{ended.stdout}{ended.stderr}\nexit code {ended.returncode}"
