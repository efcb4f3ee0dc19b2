"""WebSockets through whole processes: a changed word asks those to come back that it moves, and so does the end."""

import threading
from collections.abc import Callable, Iterator

import pytest
from fig_process import Fig, wait_until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as websocket
from websockets.sync.server import ServerConnection, serve

PATIENCE_S = 30


class Chat:
    """A WebSocket server: says its name, then everything back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closes: list[int | None] = []
        self._server = serve(self._talk, "127.0.0.1", 0, ping_interval=None)
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def _talk(self, connection: ServerConnection) -> None:
        try:
            connection.send(self.name)
            for message in connection:
                connection.send(message)
        except ConnectionClosed:
            pass
        self.closes.append(connection.close_code)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()


@pytest.fixture
def chats() -> Iterator[tuple[Chat, Chat]]:
    made = Chat("monolith"), Chat("catalog")
    yield made
    for chat in made:
        chat.close()


def open_websocket(fig: Fig, path: str) -> tuple[ClientConnection, str]:
    client = websocket(f"ws://127.0.0.1:{fig.port}{path}", ping_interval=None, proxy=None)
    return client, str(client.recv(PATIENCE_S))


def told(client: ClientConnection) -> int | None:
    """The code by which it was told to close."""
    try:
        while True:
            client.recv(PATIENCE_S)
    except ConnectionClosed:
        return client.protocol.close_code


@pytest.mark.slow
def test_a_changed_word_and_the_end_ask_websockets_to_come_back(
    make_fig: Callable[..., Fig], chats: tuple[Chat, Chat]
) -> None:
    monolith, catalog = chats
    fig = make_fig(workers=2)
    text = fig.config.read_text()
    for line in text.splitlines():
        for chat in chats:
            if line.startswith(f"  {chat.name}: http"):
                text = text.replace(line, f"  {chat.name}: {chat.url}")
    fig.save(text)
    fig.start()
    moved = [open_websocket(fig, "/api/catalog/live") for _ in range(4)]
    stays, name = open_websocket(fig, "/chat")
    assert {name for _, name in moved} == {name} == {"monolith"}

    fig.set("catalog", "service")
    # Who opens one from now on gets the service; who has one is asked to.
    again, name = open_websocket(fig, "/api/catalog/live")
    assert name == "catalog"
    for client, _ in moved:
        assert told(client) == 1012
    wait_until(lambda: monolith.closes == [1012] * 4)
    stays.send("still there")
    assert stays.recv(PATIENCE_S) == "still there"

    def tunnels() -> int:
        return sum(worker["state"].get("tunnels", 0) for worker in fig.status()["workers"])

    wait_until(lambda: tunnels() == 2)
    metrics = fig.admin("GET", "/metrics")[2].decode()
    assert 'fig_upgrades_total{capability="catalog",side="monolith"} 4.0' in metrics
    assert 'fig_upgrades_total{capability="catalog",side="service"} 1.0' in metrics
    assert 'fig_stream_ends_total{kind="tunnel",reason="moved"} 4.0' in metrics

    listening = [threading.Thread(target=lambda c=c: codes.append(told(c))) for c in (stays, again)]
    codes: list[int | None] = []
    for thread in listening:
        thread.start()
    assert fig.stop() == 0
    for thread in listening:
        thread.join()
    assert codes == [1012, 1012]
    wait_until(lambda: catalog.closes == [1012])
