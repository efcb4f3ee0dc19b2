"""A source that answers as it is told: real sockets, real broken connections."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


def page(**values: Any) -> Answer:
    """200 with a page of shelves, some of it replaced."""
    columns = [
        {"name": "id", "kind": "integer"},
        {"name": "above_id", "kind": "integer"},
        {"name": "name", "kind": "text"},
        {"name": "closed", "kind": "boolean"},
    ]
    body = {"table": "library_shelf", "key": "id", "columns": columns, "rows": [], "next": None}
    return status(200, json.dumps(body | values))


def status(code: int, body: str = "", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body.encode())))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


def die_in_the_body(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"table":')
    handler.connection.close()


@contextmanager
def answering(answers: list[Answer]) -> Iterator[tuple[str, list[str]]]:
    """Gives these answers in turn; yields the URL and the list of targets asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answers[len(asked) - 1](self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # broken on purpose
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
