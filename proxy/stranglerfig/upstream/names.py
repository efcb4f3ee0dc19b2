"""Looks host names up, again and again while they are used, so that what comes and goes behind a name is found."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

import structlog

from stranglerfig.upstream.addresses import Addresses
from stranglerfig.upstream.deadlines import Deadlines

AGAIN_AFTER_S: Final = 2.0
#: Looks that say "there is no such name" before its addresses are forgotten: half a minute, longer than a name server or a
#: restarting container takes, and shorter than networks keep an address from others.
FORGET_AFTER: Final = 15
_NO_SUCH_NAME: Final = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

log = structlog.get_logger(__name__)

LookUp = Callable[[str], Awaitable[list[str]]]


async def look_up(host: str) -> list[str]:
    """The addresses of ``host`` in the order in which the system would try them. Raises ``OSError``, ``UnicodeError``."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def is_name(host: str) -> bool:
    """Whether ``host`` is a name, and no address."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return False


class Names:
    """The addresses of every host name that is used. A name is looked up from its first use until ``retain`` drops it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        on_change: Callable[[], None],
        look_up: LookUp = look_up,
    ) -> None:
        """``on_change`` is called when a name came to have other addresses."""
        self._loop = loop
        self._deadlines = deadlines
        self._on_change = on_change
        self._look_up = look_up
        # None: an address is written, there is nothing to look up.
        self._known: dict[str, Addresses | None] = {}
        self._asking: dict[str, asyncio.Task[Exception | None]] = {}
        self._missed: dict[str, int] = {}
        self.deadline = 0.0
        deadlines.add(self)

    def of(self, host: str) -> Addresses | None:
        """The addresses of a name, empty as long as none has been found; None for what is an address itself."""
        try:
            return self._known[host]
        except KeyError:
            pass
        if not is_name(host):
            self._known[host] = None
            return None
        addresses = self._known[host] = Addresses()
        self._ask(host, addresses)
        return addresses

    async def any_found(self, names: Sequence[tuple[str, Addresses]]) -> None:
        """Wait until one of ``names`` has addresses; all who wait share one look-up of each.

        Raises ``OSError`` with what the look-up said if none of them can be found.
        """
        for host, addresses in names:
            self._ask(host, addresses)
        asking = [self._asking[host] for host, _ in names]
        while all(addresses.is_empty for _, addresses in names):
            # Who gives up waiting ends nothing for the others.
            done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            asking = [task for task in asking if task not in done]
            errors = [error for task in done if (error := task.result()) is not None]
            if errors and not asking:
                raise OSError(str(errors[0])) from errors[0]

    def retain(self, hosts: Collection[str]) -> None:
        """Look up no more what is not in ``hosts``."""
        for host in [known for known in self._known if known not in hosts]:
            del self._known[host]
            self._missed.pop(host, None)

    def on_deadline(self) -> None:
        """Look everything up again. Who is still being asked is not asked twice."""
        self.deadline = self._loop.time() + AGAIN_AFTER_S
        for host, addresses in self._known.items():
            if addresses is not None:
                self._ask(host, addresses)

    def close(self) -> None:
        """Look up nothing more."""
        self._deadlines.discard(self)
        for task in self._asking.values():
            task.cancel()

    def _ask(self, host: str, addresses: Addresses) -> None:
        if host not in self._asking:
            task = self._loop.create_task(self._learn(host, addresses), name="look up")
            self._asking[host] = task

    async def _learn(self, host: str, addresses: Addresses) -> Exception | None:
        try:
            return await self._learn_once(host, addresses)
        finally:
            del self._asking[host]

    async def _learn_once(self, host: str, addresses: Addresses) -> Exception | None:
        # A name server that is down takes nothing away: what was found last may still answer, and if it does not, the
        # request says so. One that answers, and goes on to say that nobody is called so, is believed in the end: the
        # addresses may be somebody else's by then.
        try:
            found = await self._look_up(host)
        except (OSError, UnicodeError) as error:
            is_unknown = isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME
            missed = self._missed[host] = self._missed.get(host, 0) + 1 if is_unknown else 0
            if missed >= FORGET_AFTER:
                self._take(host, addresses, [])
            return error
        self._missed[host] = 0
        if not found:
            return OSError(f"{host} has no address")
        self._take(host, addresses, found)
        return None

    def _take(self, host: str, addresses: Addresses, found: list[str]) -> None:
        if addresses.learn(found):
            log.info("addresses of a name", host=host, addresses=sorted(set(found)))
            self._on_change()
