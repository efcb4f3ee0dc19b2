"""Proxies set up for a job, and one measurement of one of them."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.load.asking import Asker, is_answered
from benchmarks.load.bodies import Exchange, exchange, request
from benchmarks.load.closed_loop import drive, prepare
from benchmarks.load.processes import Cores, Failed, Running, free_ports, started
from benchmarks.load.upstream import Upstream
from benchmarks.peers.job import USER_COOKIE, Job, Place, user
from benchmarks.peers.peer import Peer, Refused
from benchmarks.proxies.audit import audit

USERS = 32


class Measured(NamedTuple):
    """One measurement: what was answered in which time, and what the proxy's processes used of the CPU meanwhile."""

    requests: int
    seconds: float
    cpu_s: Mapping[str, float]

    @property
    def all_cpu_s(self) -> float:
        """Of the whole tree of processes."""
        return sum(self.cpu_s.values())


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that runs and does its job."""

    name: str
    peer: Peer
    job: Job
    place: Place
    running: Running
    cores: Cores
    own_cookies: tuple[str, ...]
    """What it gave its users on their first visit, one for each user, as a browser would send it back; or empty."""

    def files(self, of: Exchange) -> tuple[Path, Path]:
        """The requests of all users and the one answer, for the clients to read."""
        requests = []
        for number in range(USERS):
            target = f"{self.job.prefix_of(number, USERS)}{of.name}"
            requests.append(
                request(target, f"127.0.0.1:{self.place.port}", self._cookie(number), of.posted)
            )
        return prepare(self.place.folder, of.name, requests, of.answer)

    def _cookie(self, number: int) -> str:
        own = self.own_cookies[number] if self.own_cookies else ""
        return "; ".join(filter(None, (f"{USER_COOKIE}={user(number)}", own)))

    @contextlib.contextmanager
    def account(self) -> Iterator[dict[str, float]]:
        """CPU seconds that its processes use in the block, by process; filled in at the end."""
        used: dict[str, float] = {}
        before = self.running.cpu_s()
        yield used
        for what, total in self.running.cpu_s().items():
            used[what] = total - before.get(what, 0.0)

    def saturate(self, of: str, *, connections: int, seconds: float) -> Measured:
        """As much as it takes."""
        files = self.files(exchange(of))
        with self.account() as used:
            load = drive(
                self.place.port, files, connections=connections, seconds=seconds, cores=self.cores
            )
        return Measured(load.requests, load.seconds, used)


@contextlib.contextmanager
def proxy(
    peer: Peer,
    job: Job,
    upstream: Upstream,
    folder: Path,
    cores: Cores,
    *,
    name: str | None = None,
    candidate: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Proxy]:
    """Start one, and look whether it does the job; ``Failed`` if it does not start or does something else."""
    called = name or peer.name
    home = folder / called
    home.mkdir(parents=True)
    port, admin = free_ports(2)
    place = Place(home, port, admin, upstream.control, candidate or upstream.candidate)
    peer.write(job, place)
    try:
        peer.check(place)
    except Refused as refused:
        raise Failed(str(refused)) from None
    with started(
        called,
        peer.command(place),
        folder=home,
        cores=cores.proxy,
        environment={**peer.environment, **(environment or {})},
        ready=lambda: is_answered(port, f"{job.prefixes[-1]}small"),
    ) as running:
        audit(peer, job, place)
        yield Proxy(called, peer, job, place, running, cores, _first_visits(place, job))


def _first_visits(place: Place, job: Job) -> tuple[str, ...]:
    """What each user is given on the first visit."""
    given = []
    for number in range(USERS):
        asker = Asker(place.port)
        try:
            cookie = {"Cookie": f"{USER_COOKIE}={user(number)}"}
            answer = asker.ask(f"{job.prefix_of(number, USERS)}small", cookie)
        finally:
            asker.close()
        given.append("; ".join(answer.cookies))
    return tuple(given) if any(given) else ()
