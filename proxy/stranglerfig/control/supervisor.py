"""The supervisor: brings the proxy up, keeps its processes alive, and takes it down without losing an answer.

Start, in this order, so that whatever fails has changed nothing yet: the lock on ``state_dir``; the children that a
killed predecessor left; the addresses; the admin server; workers and comparer; then, once every worker uses the first
generation, the predecessor's workers may leave and ``serve.json`` says that we are ready.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from stranglerfig.channel.hub import Hub, Link
from stranglerfig.channel.messages import SOCKET_NAME
from stranglerfig.control import audit, overrides, sockets
from stranglerfig.control.admin import AdminServer
from stranglerfig.control.capacity import compare_with_descriptors
from stranglerfig.control.certificates import Certificates
from stranglerfig.control.changes import Changes
from stranglerfig.control.fleet import Fleet, Seat
from stranglerfig.control.guard import Guard
from stranglerfig.control.lock import SERVE_NAME, StateLock, read_serve, write_serve
from stranglerfig.control.ownership import OwnershipWatch
from stranglerfig.control.replace import HAND_OVER
from stranglerfig.control.running import Running
from stranglerfig.control.source import Source, Written
from stranglerfig.control.status import View
from stranglerfig.control.takeover import Orphans, adopt, living_orphans, next_generation
from stranglerfig.control.watcher import Watcher
from stranglerfig.counters import COUNTERS_NAME, CounterBlock
from stranglerfig.counters.names import PEMS_READ, RESTARTS
from stranglerfig.logs import LogFormat
from stranglerfig.routing.override import Override
from stranglerfig.server.admission import RATES_NAME
from stranglerfig.signing.seal import SHORTEST_GOOD_KEY
from stranglerfig.tls.needs import needs_of

log = structlog.get_logger(__name__)

READY_TIMEOUT_S = 30.0
HOPELESS_STARTS = 4  # a worker that died this often at the start does so each time
# state_dir, as the working directory: were it removed and made again for another proxy, its files would not be ours.
HERE = Path()


class StartError(RuntimeError):
    """The proxy can't start; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a supervisor is started with, beside the files."""

    state_dir: Path
    secret: str | None
    chassis_credential: str | None
    admin_token: str | None
    admin_hosts: frozenset[str]
    log_format: LogFormat
    drain_deadline_s: float


class Supervisor:
    """One running proxy."""

    def __init__(self, source: Source, written: Written, settings: Settings) -> None:
        """Raises ``RefusedError`` if the certificates that ``written`` names can't be used."""
        self._source = source
        self._written = written
        self._settings = settings
        self._stopping = asyncio.Event()
        self._hopeless = asyncio.Event()
        self._is_handing_over = False
        self._signals = 0
        self._hub = Hub(self._on_link)
        self._fleet = Fleet(
            self._hub,
            log_format=settings.log_format,
            on_death=self._on_death,
            lags=lambda: self._ownership.message(),
            tls=lambda role: self._certificates.message(role),
        )
        self._certificates = Certificates(
            written,
            config=lambda: self._changes.running.config,
            on_change=self._fleet.tell_tls,
            on_judged=self._count_certificates,
        )
        self._orphans: Orphans | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changes: Changes
        self._ownership = OwnershipWatch(
            lambda: self._changes.running.config, settings.chassis_credential, self._fleet.tell
        )
        self._counters: CounterBlock
        self._view: View
        self._listen = ""
        self._is_ready = False

    async def run(self, on_ready: Callable[[View], None]) -> None:
        """Serve until SIGTERM or SIGINT. Raises ``StartError``, ``AddressError``, ``LockedError``, ``OverridesError``,
        ``OSError`` when ``state_dir`` can't be made.

        Changes the working directory to ``state_dir``: Unix sockets there keep short names whatever the path.
        """
        state_dir = self._settings.state_dir
        lock = StateLock.acquire(state_dir, "fig serve")
        try:
            aborted = overrides.load(state_dir)
            os.chdir(state_dir)
            sockets.allow_many()
            self._counters = _open_counters(state_dir)
            with self._signals_handled():
                await self._serve(aborted, on_ready)
        finally:
            lock.release()

    async def _serve(self, aborted: dict[str, Override], on_ready: Callable[[View], None]) -> None:
        config, settings = self._written.config, self._settings
        compare_with_descriptors(config)
        previous = read_serve(HERE)
        self._orphans = Orphans(previous)
        self._hub.start()
        admin: AdminServer | None = None
        try:
            orphans = await self._orphans.gathered()
            if not orphans and not self._is_port_free():
                # Children whose serve.json is gone hold the port too, and look for us at this moment.
                orphans = await self._orphans.any_arrivals()
            if not orphans:
                _remove(HERE / RATES_NAME)  # its times may be from before a reboot
            listeners = self._open_listeners(orphans)
            admin_socket = sockets.listen_once(config.admin.host, config.admin.port)
            self._listen = sockets.address(listeners[0])
            running = Running(
                config=config,
                rules=self._written.rules,
                overrides=aborted,
                generation=next_generation(previous, orphans),
                key=self._written.key,
                secret=settings.secret,
                cookie_key=_cookie_key(settings.secret),
            )
            self._changes = Changes(
                self._source,
                HERE,
                running,
                self._fleet.spread,
                self._on_change,
                self._certificates.admit,
            )
            self._view = View(
                changes=self._changes,
                fleet=self._fleet,
                ownership=self._ownership,
                certificates=self._certificates,
                counters_dir=HERE / COUNTERS_NAME,
                listen=self._listen,
                admin=sockets.address(admin_socket),
                config_path=self._source.path,
                state_dir=HERE,
                is_ready=lambda: self._is_ready,
            )
            admin = AdminServer(
                self._view,
                Guard(config.admin, settings.admin_token, settings.admin_hosts),
                admin_socket,
            )
            admin.start()
            self._orphans = None  # from here on, a child that is not ours is sent away
            await self._start_children(listeners, orphans, running)
            if self._stopping.is_set():
                return
            self._is_ready = True
            self._write_serve()
            audit.append(
                HERE,
                "start",
                who=audit.whoami(),
                generation=running.generation,
                digest=running.digest,
                listen=self._listen,
                took_over=len(orphans),
            )
            log.info(
                "ready", listen=self._listen, admin=self._view.admin, generation=running.generation
            )
            on_ready(self._view)
            self._spawn(self._fleet.watch(), "hung children")
            self._spawn(self._view.lately.run(), "lately")
            self._spawn(self._ownership.run(), "ownership")
            self._spawn(self._certificates.run(), "certificates")
            self._spawn(Watcher(self._source.path, self._changes.look).run(), "watcher")
            await self._stopping.wait()
        finally:
            if self._is_handing_over:
                await self._hand_over(admin)
            else:
                await self._stop(admin)

    def _is_port_free(self) -> bool:
        try:
            sockets.probe(self._written.config.listen.host, self._written.config.listen.port)
        except sockets.AddressError:
            return False
        return True

    def _open_listeners(self, orphans: list[Link]) -> list[socket.socket]:
        config = self._written.config
        slots = config.workers or os.cpu_count() or 1
        adopted = adopt(orphans, config.listen, slots)
        if not adopted:
            sockets.probe(config.listen.host, config.listen.port)
        port = adopted[0].getsockname()[1] if adopted else config.listen.port
        return adopted + sockets.listen(config.listen.host, port, slots=slots - len(adopted))

    async def _start_children(
        self, listeners: list[socket.socket], orphans: list[Link], running: Running
    ) -> None:
        self._fleet.start_workers(listeners, running.message())
        for link in orphans:
            if link.hello.role == "comparer":
                # Two comparers would judge the same observations into one store.
                await self._fleet.leave(link, 1.0)
        self._fleet.start_comparer()
        ready = asyncio.create_task(self._fleet.ready(READY_TIMEOUT_S))
        others = [asyncio.create_task(event.wait()) for event in (self._stopping, self._hopeless)]
        await asyncio.wait({ready, *others}, return_when=asyncio.FIRST_COMPLETED)
        is_up = ready.done() and ready.result()
        for task in (ready, *others):
            task.cancel()
        await asyncio.gather(ready, *others, return_exceptions=True)
        if not is_up and not self._stopping.is_set():
            raise StartError("the workers do not come up; the log above says why")
        for link in orphans:
            if link.hello.role == "worker":
                self._spawn(self._fleet.leave(link, self._settings.drain_deadline_s), "leave")

    async def _stop(self, admin: AdminServer | None) -> None:
        was_ready, self._is_ready = self._is_ready, False
        log.info("stopping", deadline_s=self._settings.drain_deadline_s)
        for task in self._tasks:
            if task.get_name() != "leave":
                task.cancel()
        if admin is not None:
            await admin.stop()
        await self._fleet.stop(self._settings.drain_deadline_s)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hub.stop()
        self._counters.close()
        _remove(HERE / SOCKET_NAME)
        if living := living_orphans(read_serve(HERE)):
            # We did not come up, and they go on: whoever comes next finds them by what their supervisor wrote.
            log.warning("orphans_serve_on", pids=living)
        else:
            _remove(HERE / SERVE_NAME)
        if was_ready:
            audit.append(HERE, "stop", who=audit.whoami())
        log.info("stopped")

    async def _hand_over(self, admin: AdminServer | None) -> None:
        """Leave sockets and children to the successor, which finds them by ``serve.json``."""
        log.info("handing_over", children=len(self._fleet.children()))
        if admin is not None:
            await admin.stop()
        for task in self._tasks:
            task.cancel()
        self._fleet.let_go()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._counters.close()
        audit.append(HERE, "hand_over", who=audit.whoami())
        # The last thing: at this moment the children begin to look for somebody else.
        await self._hub.stop()
        log.info("handed_over")

    def _on_link(self, link: Link) -> None:
        if self._fleet.seat(link):
            self._write_serve()
        elif self._orphans is not None:
            self._orphans.arrive(link)
        else:
            # Late: it hung while its supervisor was replaced, or was killed in between and is not known.
            self._spawn(self._fleet.leave(link, self._settings.drain_deadline_s), "leave")

    def _on_death(self, seat: Seat, code: int) -> None:
        log.error("child_died", process=seat.name, code=code)
        self._counters.add(self._counters.cell(RESTARTS, process=seat.role))
        if not self._is_ready and seat.role == "worker" and seat.process.starts >= HOPELESS_STARTS:
            self._hopeless.set()
        audit.append(HERE, "child_died", process=seat.name, code=code)

    def _count_certificates(self, result: str) -> None:
        self._counters.add(self._counters.cell(PEMS_READ, result=result))

    def _on_change(self, old: Running, new: Running) -> None:
        if [*needs_of(old.config)] != [*needs_of(new.config)]:
            # Said before the snapshot, which is spread next: a worker that uses it has what it needs.
            self._certificates.forget(new.config)
        self._view.remember(old, new)
        if new.config.limits != old.config.limits:
            compare_with_descriptors(new.config)
        self._ownership.ask_anew()
        self._write_serve(generation=new.generation)

    def _write_serve(self, generation: int | None = None) -> None:
        """Keep ``serve.json`` true: commands find us by it, and a successor our children.

        A disk that is full must keep neither a change nor a new worker from what they are there for.
        """
        if not self._is_ready:
            return
        facts = {
            "pid": os.getpid(),
            "listen": self._listen,
            "tls": self._changes.running.config.tls is not None,
            "admin": self._view.admin,
            "config": str(self._source.path),
            "started": self._view.started_at,
            "generation": generation or self._changes.running.generation,
            "children": self._fleet.children(),
        }
        try:
            write_serve(HERE, facts)
        except OSError as error:
            log.error("serve_json_not_written", error=str(error))

    def _spawn(self, work: "asyncio._CoroutineLike[None]", name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @contextlib.contextmanager
    def _signals_handled(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop_signal)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload_signal)
        loop.add_signal_handler(HAND_OVER, self._on_hand_over_signal)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, HAND_OVER):
                loop.remove_signal_handler(number)

    def _on_reload_signal(self) -> None:
        if self._is_ready:
            self._spawn(self._changes.reload("SIGHUP"), "reload")
            self._spawn(self._certificates.look(), "certificates")

    def _on_hand_over_signal(self) -> None:
        if self._is_ready and not self._stopping.is_set():
            self._is_handing_over = True
            self._stopping.set()

    def _on_stop_signal(self) -> None:
        self._signals += 1
        self._stopping.set()
        if self._signals > 1:
            log.warning("ending_at_once")
            self._fleet.kill_all()


def _cookie_key(secret: str | None) -> str:
    """The key of fig_wrote: FIG_SECRET, or a random one for as long as we live.

    Everybody who writes is given a value that it signed, and may try keys at leisure: a secret that can be found so would
    let them force sides too.
    """
    if secret is not None and len(secret) >= SHORTEST_GOOD_KEY:
        return secret
    return secrets.token_hex()


def _open_counters(state_dir: Path) -> CounterBlock:
    try:
        return CounterBlock.open(HERE / COUNTERS_NAME / "supervisor.cells")
    except OSError as error:
        raise StartError(
            f"{state_dir / COUNTERS_NAME} can't be used: {error.strerror}; it must be a folder that "
            "this user may write, with room for a few hundred KiB"
        ) from error


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
