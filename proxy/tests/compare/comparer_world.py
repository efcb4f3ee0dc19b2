"""A proxy's surroundings for comparer tests: real sockets, real counters, an upstream that does as it is told."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stranglerfig.compare.account import Account, read_accounts
from stranglerfig.compare.comparer import Comparer
from stranglerfig.compare.observation import RecordedRequest, RecordedResponse
from stranglerfig.compare.rules import Rules
from stranglerfig.config.model import Config
from stranglerfig.counters import CounterBlock
from stranglerfig.server.tee import Tee

JSON = b"application/json"
ROUTE = "GET /api/catalog/**"


def answer(
    body: bytes = b'{"a": 1}',
    status: str = "200 OK",
    content_type: bytes = JSON,
    length: int | None = None,
) -> bytes:
    """Bytes of a whole answer; a wrong ``length`` makes it a cut one."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nContent-Type: ".encode()
    return head + content_type + b"\r\n\r\n" + body


class ScriptedUpstream:
    """Answers each request with the next of ``replies``, else with ``reply``; ``None`` means never. Keeps what it was sent."""

    def __init__(self) -> None:
        self.reply: bytes | None = answer()
        self.replies: Iterator[bytes] = iter(())
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            self.asked.set()
            reply = next(self.replies, self.reply)
            if reply is None:
                await asyncio.Event().wait()
            else:
                writer.write(reply)
                await writer.drain()
        except (asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class World:
    """One tee and one comparer in a state directory of their own, with an upstream for each side."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.store_path = state_dir / "compare.db"
        self.socket_path = str(state_dir / "comparer.sock")
        self.control = ScriptedUpstream()
        self.candidate = ScriptedUpstream()
        self.rules = Rules()
        self.secret: str | None = "a secret"
        self.response_timeout = "20s"
        self.ask_again = 0
        self.again_after_s: tuple[float, ...] = (0.0, 0.0, 0.0)
        self.chance: Callable[[], float] = lambda: 0.999
        """By default nothing is sampled, and the candidate is asked again before the control."""
        self._closing: list[Callable[[], Any]] = []

    def config(self) -> Config:
        return Config.model_validate(
            {
                "upstreams": {
                    "monolith": f"http://127.0.0.1:{self.control.port}",
                    "catalog": {
                        "url": f"http://127.0.0.1:{self.candidate.port}",
                        "timeouts": {"response": self.response_timeout},
                    },
                },
                "capabilities": {
                    "catalog": {
                        "upstream": "catalog",
                        "stage": "shadow",
                        "ask_again": self.ask_again,
                        "routes": [ROUTE, {"match": "POST /api/catalog/quote", "safe": True}],
                    }
                },
            }
        )

    def block(self, name: str) -> CounterBlock:
        block = CounterBlock.open(self.state_dir / "counters" / f"{name}.cells")
        self._closing.append(block.close)
        return block

    async def compare(self, block: CounterBlock | None = None) -> Comparer:
        comparer = Comparer(
            self.config(), self.rules, self.secret, self.store_path, block or self.block("comparer"),
            socket_path=self.socket_path, again_after_s=self.again_after_s, chance=self.chance,
        )  # fmt: skip
        running = asyncio.create_task(comparer.run())
        await comparer.started.wait()
        self._closing.append(lambda: running)
        self._closing.append(lambda: comparer.drain(0.1))
        return comparer

    async def tee(self, block: CounterBlock | None = None, slot: int = 0, **settings: Any) -> Tee:
        tee = Tee(slot, block or self.block(f"worker-{slot}"), path=self.socket_path, **settings)
        tee.start()
        self._closing.append(tee.close)
        return tee

    def account(self) -> Account:
        return read_accounts(self.state_dir)["catalog"]

    async def settled(self, **expected: int) -> Account:
        """Wait until nothing is waiting any more, and check some of the account."""
        account = await self.until(lambda account: account.waiting == 0)
        for name, count in expected.items():
            assert getattr(account, name) == count, account
        return account

    async def until(self, done: Callable[[Account], bool]) -> Account:
        async with asyncio.timeout(30):
            while not done(account := self.account()):  # noqa: ASYNC110 - cells give no event
                await asyncio.sleep(0.01)
        return account

    async def close(self) -> None:
        for close in reversed(self._closing):
            closing = close()
            if closing is not None:
                await closing


def offer(
    tee: Tee, *, body: bytes = b'{"a": 1}', status: int = 200, asked: bool = True, **changes: Any
) -> bool:
    """Ask and offer one observation of a GET that the monolith answered."""
    if asked:
        tee.asked("catalog")
    fields: dict[str, Any] = {
        "request_id": "r1", "generation": 3, "capability": "catalog", "route": ROUTE, "stage": "shadow",
        "side": "monolith", "answered_by": "monolith", "other": "catalog",
        "request": RecordedRequest("GET", b"/api/catalog/?q=ann", ((b"Host", b"shop.example"), (b"Cookie", b"sessionid=1"), (b"X-Request-Id", b"r1")), b""),
        "response": RecordedResponse(status, ((b"Content-Length", b"8"), (b"Content-Type", JSON)), body),
        "started_at": time.time(), "elapsed_s": 0.01,
    }  # fmt: skip
    return tee.offer(**{**fields, **changes})


async def connected(tee: Tee) -> None:
    """Wait until the tee has a comparer."""
    async with asyncio.timeout(30):
        while not tee.is_connected:  # noqa: ASYNC110 - nobody in the request path waits for this
            await asyncio.sleep(0.005)
