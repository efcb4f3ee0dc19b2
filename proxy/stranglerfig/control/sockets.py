"""The listening sockets: one per worker slot, all on one address (SO_REUSEPORT), owned by the supervisor.

Since every worker has its own queue in the kernel, a socket must outlive its worker: the descriptor stays open here,
and whoever takes the slot takes the queue with it.
"""

import contextlib
import errno
import os
import resource
import socket
from pathlib import Path

from stranglerfig.server.listener import BACKLOG

MAX_DESCRIPTORS = 65536


class AddressError(RuntimeError):
    """The address can't be used; says why and, where it can be known, who has it."""


def allow_many() -> None:
    """Raise this process's limit of open descriptors, which its children inherit, as far as the system lets it.

    Each client takes up to two, and the usual soft limit is 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def probe(host: str, port: int) -> None:
    """Raise ``AddressError`` unless nobody listens on ``host:port``.

    With SO_REUSEPORT alone a second proxy of the same user would be let in and would take half of the connections, so
    a plain socket tries first.
    """
    if port == 0:
        return
    with _stream_socket(host, port) as sock:
        _bind(sock, host, port)


def listen(host: str, port: int, *, slots: int) -> list[socket.socket]:
    """Open ``slots`` listening sockets on one address. Port 0: the first one picks. Raises ``AddressError``."""
    sockets: list[socket.socket] = []
    try:
        for _ in range(slots):
            sock = _stream_socket(host, port)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            _bind(sock, host, port)
            sock.listen(BACKLOG)
            sock.setblocking(False)
            port = sock.getsockname()[1]
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def listen_once(host: str, port: int) -> socket.socket:
    """Open one listening socket that shares its address with nobody. Raises ``AddressError``."""
    sock = _stream_socket(host, port)
    try:
        _bind(sock, host, port)
        sock.listen(128)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def address(sock: socket.socket) -> str:
    """Where the socket listens, as one writes it: ``127.0.0.1:8000``, ``[::1]:8000``."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_at(sock: socket.socket, host: str, port: int) -> bool:
    """Whether an adopted socket listens where the config wants it (port 0 wants any)."""
    try:
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        here = sock.getsockname()[:2]
    except OSError:
        return False
    return bool(listens) and is_same(host, port, *here)


def is_same(host: str, port: int, held_host: str, held_port: int) -> bool:
    """Whether a socket that listens on ``held_host``, an IP address, is where the config wants one (port 0 wants any)."""
    try:
        wanted = {info[4][0] for info in _resolve(host, port)}
    except AddressError:
        return False
    return held_host in wanted and port in (0, held_port)


def _resolve(
    host: str, port: int
) -> list[
    tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError as error:
        raise AddressError(f"{host} is no address of this machine: {error}") from error


def _stream_socket(host: str, port: int) -> socket.socket:
    sock = socket.socket(_resolve(host, port)[0][0], socket.SOCK_STREAM)
    # Without it a restart within a minute would find its own closed connections in the way.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def _bind(sock: socket.socket, host: str, port: int) -> None:
    try:
        sock.bind((host, port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno == errno.EADDRINUSE:
            holder = _holder(port)
            reason = f"already in use{f' by {holder}' if holder else ''}"
        raise AddressError(f"{host}:{port} can't be used: {reason}") from error


def _holder(port: int) -> str | None:
    """Name the process that listens on ``port``, as far as /proc shows it to this user (Linux)."""
    inodes = {
        inode
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for inode in _listening_inodes(Path(table), port)
    }
    if not inodes:
        return None
    links = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if any(os.readlink(fd) in links for fd in (process / "fd").iterdir()):  # noqa: PTH115
                command = (
                    (process / "cmdline")
                    .read_bytes()
                    .replace(b"\0", b" ")
                    .decode("utf-8", "replace")
                )
                return f"pid {process.name} ({command.strip()[:120]})"
    return None


def _listening_inodes(table: Path, port: int) -> list[str]:
    listening = "0A"  # TCP_LISTEN in /proc/net/tcp
    found: list[str] = []
    with contextlib.suppress(OSError):
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == listening and int(fields[1].rpartition(":")[2], 16) == port:
                found.append(fields[9])
    return found
