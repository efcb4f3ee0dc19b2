"""A small real monolith that says over HTTP how far its readers are behind, in the form of the contract, or misbehaves."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CREDENTIAL = "a credential of the tests"
PREFIX = "/_chassis/ownership/"


def reader(lag_s: float | None = 0.2, asked_s_ago: float = 0.3, caller: str = "catalog-service") -> dict[str, Any]:  # fmt: skip
    behind = None if lag_s is None else int(lag_s > 0)
    return {"caller": caller, "lag_s": lag_s, "behind": behind, "asked_s_ago": asked_s_ago}


class ToldMonolith:
    """Answers any page with ``self.page``, which any POST replaces; asked for its ownership it does what ``mode`` says.

    ``mode`` is a status, or ``hang``, ``die``, ``trickle``, ``huge``; with 200 it says ``self.said``.
    """

    def __init__(self, **said: Any) -> None:
        self.page = b"monolith"
        self.mode: int | str = 200
        self.said: Any = {
            "capability": "catalog",
            "owner": "monolith",
            "captured": True,
            "position": 42,
            "readers": [reader()],
        } | said
        #: The headers of each request for ownership, by lower-case name.
        self.asked: list[dict[str, str]] = []
        self.connections = 0
        self.ends = threading.Event()
        monolith = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                monolith.connections += 1

            def do_GET(self) -> None:
                if self.path.startswith("/_chassis/"):
                    monolith.asked.append(
                        {"path": self.path, **{k.lower(): v for k, v in self.headers.items()}}
                    )
                    self._tell()
                else:
                    self._answer(200, monolith.page)

            def do_POST(self) -> None:
                monolith.page = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(200, b"written")

            def _tell(self) -> None:
                mode = monolith.mode
                if mode == "hang":
                    monolith.ends.wait(20)
                elif mode == "trickle":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
                    while not monolith.ends.wait(0.2):
                        self.wfile.write(b" ")
                elif mode == "huge":
                    self._answer(200, b" " * 1024 * 1024)
                elif mode != "die":
                    assert isinstance(mode, int)
                    said = monolith.said
                    self._answer(mode, said if isinstance(said, bytes) else json.dumps(said).encode())  # fmt: skip
                if not isinstance(mode, int):
                    self.close_connection = True

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # who asks hangs up on us at its deadline

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def lags(self, *readers: dict[str, Any]) -> None:
        """Say that these are its readers."""
        self.said = self.said | {"readers": list(readers)}

    def close(self) -> None:
        self.ends.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
