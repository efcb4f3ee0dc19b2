"""The admin API of a proxy, as far as the doctor asks it: routes by prefix, on a real socket."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

MONOLITH, SERVICE = "monolith", "books"


class AdminApi:
    """`routes`: capability -> {"GET /prefix/**": stage}; literal routes, `{name}` and `**` are understood."""

    def __init__(self, routes: Mapping[str, Mapping[str, str]], **config: Any) -> None:
        self.routes = routes
        self.index: Any = {"name": "stranglerfig", "version": "0.1.0", "api": 1}
        self.token: str | None = None
        self.generation = 1
        self.batches: list[int] = []
        self.sizes: list[int] = []
        self.config = {
            "listen": "127.0.0.1:8000",
            "trusted_proxies": [],
            "fallthrough": MONOLITH,
            "capabilities": {
                name: {
                    "upstream": SERVICE,
                    "control": None,
                    "percent": 10.0,
                    "writes": MONOLITH,
                    "compare": True,
                    "routes": [{"match": match} for match in own],
                }
                for name, own in routes.items()
            },
        } | config

    def explain(self, method: str, path: str) -> dict[str, Any]:
        decoded = unquote(path)
        if decoded.startswith("/_chassis"):
            return _said(404, "404 from the proxy: /_chassis is never reachable from outside", None)
        for capability, own in self.routes.items():
            for match, stage in own.items():
                methods, _, pattern = match.partition(" ")
                if method in methods.split(",") and _matches(pattern, decoded):
                    safe = method == "GET"
                    return _said(
                        None,
                        "from somebody",
                        {
                            "capability": capability,
                            "route": match,
                            "stage": stage,
                            "upstream": SERVICE if stage == "service" and safe else MONOLITH,
                            "safe": safe,
                            "reason": "stage" if safe else "owner",
                        },
                    )
        if self.config["fallthrough"] == "none":
            return _said(404, "404 from the proxy: fallthrough is none", None)
        return _said(None, "from monolith", {"capability": None, "upstream": MONOLITH})


def _said(status: int | None, says: str, plan: dict[str, Any] | None) -> dict[str, Any]:
    return {"status": status, "steps": [{"about": "answer", "says": says}], "plan": plan}


def _matches(pattern: str, path: str) -> bool:
    if pattern.endswith("/**"):
        return path == pattern[:-3] or path.startswith(pattern[:-2])
    wanted, found = pattern.split("/"), path.split("/")
    return len(wanted) == len(found) and all(
        part == own or (part.startswith("{") and bool(own))
        for part, own in zip(wanted, found, strict=True)
    )


@contextmanager
def admin_api(api: AdminApi) -> Iterator[str]:
    """Serve it; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {
                "/": api.index,
                "/api/config": {"config": api.config, "overrides": {}, "generation": 1},
            }
            self._answer(known.get(self.path))

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            requests = json.loads(self.rfile.read(length))["requests"]
            api.batches.append(len(requests))
            api.sizes.append(length)
            self._answer(
                {
                    "generation": api.generation,
                    "explained": [api.explain(one["method"], one["path"]) for one in requests],
                }
            )

        def _answer(self, value: object) -> None:
            status, body = (200, value) if value is not None else (404, {})
            if api.token and self.headers.get("Authorization") != f"Bearer {api.token}":
                status, body = (
                    401,
                    {"detail": "the admin token is missing or wrong", "mend": "send it"},
                )
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
