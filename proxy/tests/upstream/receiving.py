"""Whoever asks an upstream in these tests, and the upstream that is asked."""

import asyncio
import socket
from typing import Any

from stranglerfig.config.model import Config, Upstream
from stranglerfig.http1.failure import Failure
from stranglerfig.http1.request_parser import END
from stranglerfig.upstream.connection import UpstreamConnection


class Receiver:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.failure: Failure | None = None
        self.is_writable = asyncio.Event()
        self.is_over = asyncio.Event()

    def on_response(self, events: Any) -> None:
        self.events += events
        if events[-1] is END:
            self.is_over.set()

    def on_upstream_failed(self, failure: Failure, detail: str) -> None:
        self.failure = failure
        self.is_over.set()

    def on_upstream_congested(self) -> None:
        self.is_writable.clear()

    def on_upstream_writable(self) -> None:
        self.is_writable.set()


class Owner:
    """Keeps what it is told of a connection."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def find(self, connection: UpstreamConnection) -> None:
        """It has an address."""

    def on_opened(self, connection: UpstreamConnection, seconds: float) -> None:
        assert seconds >= 0

    def on_answered(self, connection: UpstreamConnection) -> None:
        """``on_gone`` follows."""

    def on_failed(self, connection: UpstreamConnection, failure: Failure) -> None:
        """The receiver is told too."""

    def on_free(self, connection: UpstreamConnection) -> None:
        self.heard.append("free")

    def on_poisoned(self, connection: UpstreamConnection) -> None:
        self.heard.append("poisoned")

    def on_gone(self, connection: UpstreamConnection) -> None:
        if "gone" not in self.heard:
            self.heard.append("gone")


def connections(state: dict[str, Any]) -> dict[str, int]:
    """Of the state of all upstreams, how many connections there are."""
    return {key: state[key] for key in ("open", "idle")}


def upstream(server: socket.socket) -> Upstream:
    """The upstream whose socket is ``server``."""
    url = f"http://127.0.0.1:{server.getsockname()[1]}"
    return Config.model_validate({"upstreams": {"monolith": url}}).upstreams["monolith"]
