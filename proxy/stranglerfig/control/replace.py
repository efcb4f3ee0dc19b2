"""Take the place of a proxy that runs: it lets go of its children, which serve on, and the successor takes them over.

What follows is the way of a supervisor that was killed (``takeover``), but with nothing half done: the predecessor first
finishes what its admin server is answering. A predecessor that knows no hand-over ends of the signal, its children go
on all the same, and the result is the same.
"""

import os
import re
import signal
import time
from pathlib import Path
from typing import Final

from stranglerfig.config.model import Config
from stranglerfig.config.scalar import Address
from stranglerfig.control import overrides, sockets
from stranglerfig.control.lock import LOCK_NAME, is_alive, is_locked, read_serve

HAND_OVER: Final = signal.SIGUSR2
_TIMEOUT_S = 30.0  # its admin server gets a second; the rest is for a machine that is busy
_LOOK_EVERY_S = 0.02
_HOLDER = re.compile(r"fig serve \(pid (\d+)\)")


class ReplaceError(RuntimeError):
    """Who runs can't be replaced; says why and what to do."""


def foresee(config: Config, state_dir: Path) -> None:
    """See, while the supervisor of ``state_dir`` still runs, whether our start would fail after it let go.

    Raises ``OverridesError`` and ``AddressError``, as the start would; nothing if none runs.
    """
    facts = read_serve(state_dir)
    if facts is None or not is_locked(state_dir):
        return
    overrides.load(state_dir)
    try:
        listen, admin = (Address.parse(str(facts.get(key))) for key in ("listen", "admin"))
    except ValueError:
        return  # of a version that wrote something else: the start will tell
    if not sockets.is_same(config.listen.host, config.listen.port, listen.host, listen.port):
        _try(config.listen, admin)
    _try(config.admin, admin)


def _try(wanted: Address, released: Address) -> None:
    """Listen for a moment; where the predecessor's admin server does now, only at its host."""
    port = 0 if wanted.port == released.port else wanted.port
    sockets.listen_once(wanted.host, port).close()


def ask_to_hand_over(state_dir: Path) -> int | None:
    """Have the supervisor of ``state_dir`` leave its children to us; gives its process id, None if there is none.

    Returns when it has let go. Raises ``ReplaceError``.
    """
    if not is_locked(state_dir):
        return None
    try:
        holder = (state_dir / LOCK_NAME).read_text("utf-8", "replace").strip()
    except OSError as error:
        raise ReplaceError(f"{state_dir / LOCK_NAME} can't be read: {error.strerror}") from error
    match = _HOLDER.fullmatch(holder)
    if match is None:
        raise ReplaceError(f"{state_dir} is in use by {holder}; wait until it is done")
    pid = int(match[1])
    if (read_serve(state_dir) or {}).get("pid") != pid:
        raise ReplaceError(f"{holder} is not ready yet, or stops; wait, and look at its log")
    try:
        os.kill(pid, HAND_OVER)
    except ProcessLookupError:
        return pid
    except PermissionError as error:
        raise ReplaceError(f"{holder} belongs to another user; run this as that user") from error
    deadline = time.monotonic() + _TIMEOUT_S
    while is_locked(state_dir):
        if time.monotonic() > deadline:
            raise ReplaceError(f"{holder} does not let go; look at its log")
        if not is_alive(pid):
            break  # and somebody else has the lock already: taking it will tell who
        time.sleep(_LOOK_EVERY_S)
    return pid
