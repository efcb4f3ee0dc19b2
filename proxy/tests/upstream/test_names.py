"""A host name stands for all its addresses, also for those that come and go while it is used."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from receiving import connections

from stranglerfig.config.model import Config, Upstream
from stranglerfig.http1.failure import Failure, UpstreamError
from stranglerfig.http1.request_parser import END
from stranglerfig.upstream.deadlines import Deadlines
from stranglerfig.upstream.fetch import fetch
from stranglerfig.upstream.names import AGAIN_AFTER_S, FORGET_AFTER, Names, look_up
from stranglerfig.upstream.upstreams import Upstreams

NAME = "catalog"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
# Nobody listens there, and a connection is refused at once.
DEAD = "127.0.0.9"


class Directory:
    """What a name server says, as the test goes on; ``asked`` counts the questions."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: list[str] | OSError = list(addresses)
        self.asked: list[str] = []
        self.answered = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def look_up(self, host: str) -> list[str]:
        self.asked.append(host)
        await self.may_answer.wait()
        # Its caller goes on after us, and before whoever waits for this.
        asyncio.get_running_loop().call_soon(self.answered.set)
        if isinstance(self.addresses, OSError):
            raise self.addresses
        return self.addresses

    async def ask_again(self, names: Names) -> None:
        """Let the time pass after which names are looked up again, and wait for the answer."""
        self.answered.clear()
        names.on_deadline()
        await self.answered.wait()
        await asyncio.sleep(0)


class Listening:
    """One server at several addresses of this machine; says which of them a request came to."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.port = 0
        self.connections: Counter[str] = Counter()
        self._servers: dict[str, asyncio.Server] = {}

    async def start(self) -> None:
        for address in self.addresses:
            server = await asyncio.start_server(self._serve, address, self.port)
            self.port = server.sockets[0].getsockname()[1]
            self._servers[address] = server

    def stop(self, address: str) -> None:
        self._servers.pop(address).close()

    def close(self) -> None:
        for server in self._servers.values():
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        self.connections[address] += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                body = address.encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()


class Answer:
    """Who answered a request, or how it failed."""

    def __init__(self) -> None:
        self.body = b""
        self.failure: Failure | None = None
        self.is_over = asyncio.Event()

    def on_response(self, events: object) -> None:
        assert isinstance(events, (list, tuple))
        for event in events:
            if isinstance(event, bytes):
                self.body += event
            elif event is END:
                self.is_over.set()

    def on_upstream_failed(self, failure: Failure, detail: str) -> None:
        self.failure = failure
        self.is_over.set()

    def on_upstream_congested(self) -> None:
        """Nothing to hold back."""

    def on_upstream_writable(self) -> None:
        """Nothing more to write."""


def upstream_at(host: str, port: int, connect: str = "1s") -> Upstream:
    url = {"url": f"http://{host}:{port}", "timeouts": {"connect": connect}}
    return Config.model_validate({"upstreams": {"monolith": url}}).upstreams["monolith"]


class Asking:
    """Sends requests to the name through ``Upstreams``."""

    def __init__(self, directory: Directory, port: int) -> None:
        self.deadlines = Deadlines(asyncio.get_running_loop())
        self.deadlines.start()
        self.upstream = upstream_at(NAME, port)
        self.upstreams = Upstreams(
            asyncio.get_running_loop(), self.deadlines, lambda *_: None, directory.look_up
        )

    @property
    def names(self) -> Names:
        return self.upstreams._balancers.names

    def begin(self) -> Answer:
        answer = Answer()
        connection = self.upstreams.take(self.upstream, fresh=False)
        connection.begin(answer, self.upstream, REQUEST, is_head=False, is_whole=True)
        return answer

    async def ask(self) -> Answer:
        answer = self.begin()
        async with asyncio.timeout(10):
            await answer.is_over.wait()
        return answer

    async def answers(self, times: int) -> Counter[str]:
        """Who answers so many requests, one after the other."""
        answers = [await self.ask() for _ in range(times)]
        return Counter(answer.body.decode() or str(answer.failure) for answer in answers)

    def close(self) -> None:
        self.upstreams.close()
        self.deadlines.stop()


THREE = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
Ask = Callable[[Directory, int], Asking]


@pytest.fixture
async def three() -> AsyncIterator[Listening]:
    listening = Listening(*THREE)
    await listening.start()
    yield listening
    listening.close()


@pytest.fixture
async def asking() -> AsyncIterator[Ask]:
    made: list[Asking] = []

    def make(directory: Directory, port: int) -> Asking:
        made.append(Asking(directory, port))
        made[-1].names.of(NAME)
        return made[-1]

    yield make
    for each in made:
        each.close()


async def test_every_address_gets_its_share_also_of_requests_that_follow_one_another(
    three: Listening, asking: Ask
) -> None:
    directory = Directory(*THREE)
    asked = asking(directory, three.port)
    await directory.answered.wait()
    assert await asked.answers(30) == dict.fromkeys(THREE, 10)
    assert three.connections == dict.fromkeys(THREE, 1)


async def test_an_address_that_comes_is_used_and_one_that_goes_is_left(
    three: Listening, asking: Ask
) -> None:
    directory = Directory(THREE[0])
    asked = asking(directory, three.port)
    await directory.answered.wait()
    assert await asked.answers(6) == {THREE[0]: 6}
    directory.addresses = list(THREE)
    await directory.ask_again(asked.names)
    assert await asked.answers(6) == dict.fromkeys(THREE, 2)
    directory.addresses = [THREE[1]]
    await directory.ask_again(asked.names)
    assert await asked.answers(6) == {THREE[1]: 6}
    assert connections(asked.upstreams.state()) == {"open": 1, "idle": 1}


async def test_an_answer_under_way_ends_although_its_address_is_gone(
    three: Listening, asking: Ask
) -> None:
    directory = Directory(THREE[0])
    asked = asking(directory, three.port)
    await directory.answered.wait()
    under_way = asked.begin()
    directory.addresses = [THREE[1]]
    await directory.ask_again(asked.names)
    async with asyncio.timeout(10):
        await under_way.is_over.wait()
    assert under_way.body == THREE[0].encode()
    assert await asked.answers(1) == {THREE[1]: 1}
    assert connections(asked.upstreams.state()) == {"open": 1, "idle": 1}


async def test_nobody_sees_that_an_address_is_dead(three: Listening, asking: Ask) -> None:
    directory = Directory(*THREE[:2], DEAD)
    asked = asking(directory, three.port)
    await directory.answered.wait()
    assert set(await asked.answers(12)) == set(THREE[:2])
    # Connections that were open are used on; those that end are opened elsewhere.
    three.stop(THREE[0])
    assert (await asked.ask()).failure is None


async def test_a_silent_address_leaves_time_for_the_others(three: Listening, asking: Ask) -> None:
    with _silent(three.port) as silent:
        directory = Directory(silent, THREE[0])
        asked = asking(directory, three.port)
        await directory.answered.wait()
        assert await asked.answers(4) == {THREE[0]: 4}


async def test_where_all_are_dead_the_failure_says_so(asking: Ask) -> None:
    directory = Directory(DEAD, "127.0.0.8")
    asked = asking(directory, 1)
    await directory.answered.wait()
    answer = await asked.ask()
    assert answer.failure is Failure.CONNECT_FAILED
    assert connections(asked.upstreams.state()) == {"open": 0, "idle": 0}


async def test_what_was_found_is_used_on_when_the_name_server_knows_nothing(
    three: Listening, asking: Ask
) -> None:
    directory = Directory(THREE[0])
    asked = asking(directory, three.port)
    await directory.answered.wait()
    for nothing in (OSError("no answer"), list[str]()):
        directory.addresses = nothing
        await directory.ask_again(asked.names)
        assert await asked.answers(2) == {THREE[0]: 2}


@pytest.mark.parametrize(
    ("says", "is_forgotten"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), True),
        (socket.gaierror(socket.EAI_AGAIN, "down"), False),
    ],
)
async def test_only_who_says_for_half_a_minute_that_there_is_no_such_name_is_believed(
    three: Listening, asking: Ask, says: OSError, is_forgotten: bool
) -> None:
    directory = Directory(THREE[0])
    asked = asking(directory, three.port)
    await directory.answered.wait()
    directory.addresses = says
    for _ in range(FORGET_AFTER - 1):
        await directory.ask_again(asked.names)
    assert await asked.answers(1) == {THREE[0]: 1}
    await directory.ask_again(asked.names)
    expected = str(Failure.CONNECT_FAILED) if is_forgotten else THREE[0]
    assert await asked.answers(1) == {expected: 1}
    assert asked.upstreams.state()["open"] == (0 if is_forgotten else 1)
    directory.addresses = [THREE[1]]
    await directory.ask_again(asked.names)
    assert await asked.answers(1) == {THREE[1]: 1}


async def test_an_answer_in_between_begins_the_half_minute_anew(
    three: Listening, asking: Ask
) -> None:
    directory = Directory(THREE[0])
    asked = asking(directory, three.port)
    await directory.answered.wait()
    for _ in range(3):
        directory.addresses = socket.gaierror(socket.EAI_NONAME, "unknown")
        for _ in range(FORGET_AFTER - 1):
            await directory.ask_again(asked.names)
        directory.addresses = [THREE[0]]
        await directory.ask_again(asked.names)
    assert await asked.answers(1) == {THREE[0]: 1}


async def test_who_asks_before_the_name_is_known_waits_for_the_one_look_up(
    three: Listening, asking: Ask
) -> None:
    directory = Directory(*THREE)
    directory.may_answer.clear()
    asked = asking(directory, three.port)
    answers = [asked.begin() for _ in range(12)]
    await asyncio.sleep(0)
    assert three.connections == {}
    directory.may_answer.set()
    async with asyncio.timeout(10):
        for answer in answers:
            await answer.is_over.wait()
    assert directory.asked == [NAME]
    assert Counter(answer.body.decode() for answer in answers) == dict.fromkeys(THREE, 4)
    # They are kept under the address that was found, and used again.
    assert connections(asked.upstreams.state()) == {"open": 12, "idle": 12}
    assert await asked.answers(12) == dict.fromkeys(THREE, 4)
    assert connections(asked.upstreams.state()) == {"open": 12, "idle": 12}


async def test_a_name_server_that_says_nothing_is_asked_once_whoever_waits(asking: Ask) -> None:
    directory = Directory()
    directory.may_answer.clear()
    asked = asking(directory, 1)
    asked.upstream = upstream_at(NAME, 1, connect="50ms")
    answers = [asked.begin() for _ in range(12)]
    async with asyncio.timeout(10):
        for answer in answers:
            await answer.is_over.wait()
    assert {answer.failure for answer in answers} == {Failure.CONNECT_TIMEOUT}
    assert directory.asked == [NAME]
    assert connections(asked.upstreams.state()) == {"open": 0, "idle": 0}


async def test_the_busy_are_spared(three: Listening, asking: Ask) -> None:
    directory = Directory(*THREE)
    asked = asking(directory, three.port)
    await directory.answered.wait()
    # All at once, so that none has ended when the next one is sent.
    answers = [asked.begin() for _ in range(30)]
    async with asyncio.timeout(10):
        for answer in answers:
            await answer.is_over.wait()
    assert Counter(answer.body.decode() for answer in answers) == dict.fromkeys(THREE, 10)


async def test_names_are_looked_up_every_two_seconds_and_addresses_never() -> None:
    directory = Directory(THREE[0])
    loop = asyncio.get_running_loop()
    names = Names(loop, Deadlines(loop), lambda: None, directory.look_up)
    assert names.of("127.0.0.1") is None
    assert names.of("::1") is None
    addresses = names.of(NAME)
    assert addresses is not None
    await directory.answered.wait()
    assert addresses.known == (THREE[0],)
    assert names.of(NAME) is addresses
    before = loop.time()
    await directory.ask_again(names)
    assert before + AGAIN_AFTER_S <= names.deadline <= loop.time() + AGAIN_AFTER_S
    assert directory.asked == [NAME, NAME]
    names.retain({"127.0.0.1"})
    names.on_deadline()
    await asyncio.sleep(0)
    assert directory.asked == [NAME, NAME]
    names.close()


async def test_who_asks_on_a_connection_of_its_own_takes_addresses_in_turn(
    three: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The comparer's way: what it asks must not all go to one of several servers either.
    directory = Directory(*THREE[:2], DEAD)
    monkeypatch.setattr("stranglerfig.upstream.fetch.look_up", directory.look_up)
    upstream = upstream_at(NAME, three.port)
    answers = [
        await fetch(upstream, "GET", b"/", [(b"Host", b"a")], b"", deadline_s=10) for _ in range(6)
    ]
    assert set(Counter(answer.body.decode() for answer in answers)) == set(THREE[:2])
    directory.addresses = OSError("no answer")
    with pytest.raises(UpstreamError) as failed:
        await fetch(upstream, "GET", b"/", [], b"", deadline_s=10)
    assert failed.value.failure is Failure.CONNECT_FAILED


async def test_the_systems_own_answer_is_a_list_of_addresses() -> None:
    assert "127.0.0.1" in await look_up("localhost")
    with pytest.raises(OSError, match=r".+"):
        await look_up("no-such-name.invalid")


@contextlib.contextmanager
def _silent(port: int) -> Iterator[str]:
    """An address whose queue of connections is full, so that it neither takes nor refuses one."""
    address = "127.0.0.7"
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((address, port))
        yield address
