"""Real sockets for the data plane's tests: scripted upstreams, a proxy before them, raw clients."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h11
import pytest
import uvloop
from certificates import Authority, serving

from stranglerfig.config.model import Config
from stranglerfig.counters import CounterBlock
from stranglerfig.routing.snapshot import compile_snapshot
from stranglerfig.server.data_plane import DataPlane
from stranglerfig.server.tee import Tee
from stranglerfig.tls.contexts import Shown

Handler = Callable[["Connection"], Awaitable[None]]
KEY = b"a key of the tests"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on what runs in production."""
    return {"uvloop": uvloop.new_event_loop}


class Seen:
    """One request as an upstream saw it, read by h11."""

    def __init__(self, request: h11.Request, body: bytes, raw: bytes) -> None:
        self.raw = raw
        self.method = request.method.decode()
        self.target = request.target
        self.raw_headers = request.headers.raw_items()
        self.headers = {name.lower(): value for name, value in self.raw_headers}
        self.body = body

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.raw_headers if key.lower() == name.lower()]


class Connection:
    """An upstream's end of one connection."""

    def __init__(
        self,
        upstream: "ScriptedUpstream",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.upstream = upstream
        self.reader = reader
        self.writer = writer
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=1024 * 1024)
        self.number = upstream.connections
        self.begun = b""
        """What was read of a request that is not whole."""
        upstream.opened.append(self)

    async def request(self) -> Seen | None:
        """Read the next request to its end; None when the proxy hung up between requests."""
        request, body = None, []
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                data = await self.reader.read(65536)
                self.begun += data
                if not data:
                    if request is None:
                        return None
                    raise ConnectionResetError("the request was cut")
                self._h11.receive_data(data)
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                # h11 wants to know of an answer before it reads on.
                rest = self._h11.trailing_data[0]
                self._h11 = _ready_for_next(self._h11)
                seen = Seen(request, b"".join(body), self.begun[: len(self.begun) - len(rest)])
                self.begun = rest
                self.upstream.requests.append(seen)
                return seen
            elif isinstance(event, h11.ConnectionClosed):
                return None

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        known = self.writer.get_extra_info("socket")
        known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def _ready_for_next(used: h11.Connection) -> h11.Connection:
    fresh = h11.Connection(h11.SERVER, max_incomplete_event_size=1024 * 1024)
    rest, _ = used.trailing_data
    if rest:
        fresh.receive_data(rest)
    return fresh


def answering(answer: bytes) -> Handler:
    """Answer every request with the same bytes, keeping the connection."""

    async def handle(connection: Connection) -> None:
        while await connection.request() is not None:
            await connection.send(answer)

    return handle


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class ScriptedUpstream:
    """A server that does what its handler says; it counts connections and keeps what it saw."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.context = context
        """With it, it speaks TLS."""
        self.requests: list[Seen] = []
        self.connections = 0
        self.opened: list[Connection] = []
        self.faults: list[h11.RemoteProtocolError] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> "ScriptedUpstream":
        self._server = await asyncio.start_server(
            self._handle, "127.0.0.1", port, reuse_address=True, backlog=256, ssl=self.context
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.handler(Connection(self, reader, writer))
        except h11.RemoteProtocolError as fault:
            self.faults.append(fault)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Proxy:
    """A data plane on a port of its own."""

    def __init__(
        self, plane: DataPlane, listening: socket.socket, counters: CounterBlock, config: Config
    ) -> None:
        self.plane = plane
        self.listening = listening
        self.port = listening.getsockname()[1]
        self.counters = counters
        self.config = config
        self.context: ssl.SSLContext | None = None
        """With it, clients connect by TLS."""
        self._clients: list[Client] = []

    def counts(self, name: str) -> dict[tuple[str, ...], int]:
        """What was counted under a name, by the values of its labels; nothing that is 0."""
        return {
            tuple(value for _, value in labels): count
            for (known, labels), count in self.counters.counts().items()
            if known == name and count
        }

    def count(self, name: str, **labels: str) -> int:
        return self.counters.get(self.counters.cell(name, **labels))

    def connections(self) -> dict[str, int]:
        """How many connections to upstreams there are."""
        state = self.plane.state()["upstream_connections"]
        return {key: state[key] for key in ("open", "idle")}

    async def connect(self) -> "Client":
        name = None if self.context is None else "shop.example"
        opening = asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.context, server_hostname=name
        )
        client = Client(*await opening)
        self._clients.append(client)
        return client

    async def stop(self) -> None:
        for client in self._clients:
            client.close()
        await self.plane.drain(0)

    async def ask(self, request: bytes) -> bytes:
        """Send ``request`` on a connection of its own and give all bytes up to the proxy's hang-up."""
        client = await self.connect()
        client.send(request)
        return await client.rest()

    async def get(self, target: str = "/", *headers: str, method: str = "GET") -> "Answer":
        client = await self.connect()
        answer = await client.get(target, *headers, method=method)
        client.close()
        return answer


class Answer:
    """One answer as a client saw it, read by h11."""

    def __init__(self, response: h11.Response, body: bytes) -> None:
        self.status = response.status_code
        self.reason = bytes(response.reason)
        self.raw_headers = response.headers.raw_items()
        self.headers = {name.lower(): value for name, value in self.raw_headers}
        self.body = body

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.raw_headers if key.lower() == name.lower()]


class Client:
    """A raw client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._behind = b""  # read with the answer before

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def rest(self) -> bytes:
        """Everything until the proxy hangs up; a reset counts as a hang-up."""
        got = b""
        try:
            while data := await self.reader.read(65536):
                got += data
        except ConnectionResetError:
            pass
        self.close()
        return got

    async def until(self, mark: bytes) -> bytes:
        return await self.reader.readuntil(mark)

    async def answer(self, method: str = "GET") -> Answer:
        """Read one answer to a request of ``method``; raises h11.RemoteProtocolError if it is cut."""
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        connection.send(h11.EndOfMessage())
        if self._behind:
            connection.receive_data(self._behind)
        response, body = None, []
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await self.reader.read(65536))
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                assert response is not None
                self._behind = bytes(connection.trailing_data[0])
                return Answer(response, b"".join(body))

    async def get(self, target: str = "/", *headers: str, method: str = "GET") -> Answer:
        lines = "".join(f"{header}\r\n" for header in headers)
        self.send(
            f"{method} {target} HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n".encode("latin-1")
        )
        return await self.answer(method)

    def close(self) -> None:
        self.writer.close()


@pytest.fixture
async def start_upstream() -> AsyncIterator[Callable[..., Awaitable[ScriptedUpstream]]]:
    """Start scripted upstreams."""
    started = []

    async def start(
        handler: Handler | bytes = OK, context: ssl.SSLContext | None = None, *, port: int = 0
    ) -> ScriptedUpstream:
        script = answering(handler) if isinstance(handler, bytes) else handler
        started.append(await ScriptedUpstream(script, context).start(port))
        return started[-1]

    yield start
    for upstream in started:
        await upstream.stop()


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[CounterBlock]:
    """Count in a block of the test's own."""
    block = CounterBlock.open(tmp_path / "worker-0.cells")
    yield block
    block.close()


@pytest.fixture
async def start_proxy(
    counters: CounterBlock, tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[Proxy]]]:
    """Start data planes. ``monolith`` may be a port or an upstream; other keys are those of fig.yaml.

    With ``shown`` they speak TLS with clients, with ``tls`` to the monolith, as its key of that name says.
    """
    started = []

    async def start(
        monolith: Any,
        *,
        signing_key: bytes | None = KEY,
        listening: socket.socket | None = None,
        shown: Sequence[Shown] = (),
        tls: dict[str, Any] | None = None,
        **config: Any,
    ) -> Proxy:
        port = getattr(monolith, "port", monolith)
        timeouts = config.pop("timeouts", {"connect": "10s", "response": "10s", "idle": "10s"})
        scheme = "http" if tls is None else "https"
        url: dict[str, Any] = {"url": f"{scheme}://127.0.0.1:{port}", "timeouts": timeouts}
        upstreams = {"monolith": url if tls is None else {**url, "tls": tls}}
        upstreams |= config.pop("upstreams", {})
        model = Config.model_validate({"upstreams": upstreams, **config})
        tee = Tee(0, counters, path=str(tmp_path / "comparer.sock"))
        plane = DataPlane(
            compile_snapshot(model, {}, 1),
            counters=counters,
            tee=tee,
            signing_key=signing_key,
            cookie_key=KEY,
            state_dir=tmp_path,
        )
        listening = listening or socket.create_server(("127.0.0.1", 0))
        proxy = Proxy(plane, listening, counters, model)
        plane.show(shown)
        await plane.serve(listening)
        started.append((proxy, tee))
        return proxy

    yield start
    for proxy, tee in started:
        await proxy.stop()
        await tee.close()
        proxy.listening.close()


class Secured:
    """What a world needs in which everybody speaks TLS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.ca = folder / "ca.pem"
        self.ca.write_text(self.authority.pem)

    def shown(self, *names: str, **times: float) -> Shown:
        """A certificate for clients."""
        pair = self.authority.sign(*names, **times)
        return Shown(pair.certificate, pair.key, names)

    def serving(self, *names: str, **times: float) -> ssl.SSLContext:
        """What an upstream of that name speaks TLS with."""
        return serving(self.folder, self.authority.sign(*names, **times))

    async def proxy(self, start_proxy: Any, monolith: Any, **config: Any) -> Proxy:
        """A proxy that speaks TLS on both sides, and whose clients do."""
        config = {"shown": [self.shown("shop.example")], "tls": {"ca": str(self.ca)}, **config}
        proxy: Proxy = await start_proxy(monolith, **config)
        proxy.context = self.authority.trusting()
        return proxy


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    """Give an authority, and what it signs."""
    return Secured(tmp_path_factory.mktemp("certificates"))
