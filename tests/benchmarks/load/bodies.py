"""The bodies that are sent and expected: each byte depends on where it stands, so that no block can change places unseen."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
MIB = 1024 * KIB
_PERIOD = 65_521  # a prime: no buffer's size divides it
SMALL = b'{"id": 17, "name": "Kettle", "price": {"amount": "39.00", "currency": "EUR"}}'
TAKEN = b'{"taken": "%d"}'


@dataclass(frozen=True, slots=True)
class Exchange:
    """One kind of request and its answer's exact body."""

    name: str
    answer: bytes
    posted: bytes = b""


def pattern(size: int) -> bytes:
    """``size`` bytes that look random, the same in every run, without NUL and line ends."""
    block = hashlib.shake_128(b"stranglerfig").digest(_PERIOD)
    block = bytes(33 + byte % 90 for byte in block)
    return (block * (size // _PERIOD + 1))[:size]


def exchange(name: str) -> Exchange:
    """By the name that is the target's last segment."""
    if name == "small":
        return Exchange(name, SMALL)
    if name == "taken":
        posted = pattern(16 * KIB)
        return Exchange(name, TAKEN % len(posted), posted)
    return Exchange(name, pattern(FILES[name]))


FILES = {"64k": 64 * KIB, "1m": MIB, "100m": 100 * MIB}


def write_files(folder: Path) -> None:
    """What the upstream serves from files."""
    for name, size in FILES.items():
        (folder / name).write_bytes(pattern(size))


def request(target: str, host: str, cookie: str, posted: bytes = b"") -> bytes:
    """A request as a browser sends it."""
    method = "POST" if posted else "GET"
    length = f"Content-Length: {len(posted)}\r\n" if posted else ""
    head = (
        f"{method} {target} HTTP/1.1\r\n"
        f"Host: {host}\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
        "Accept: text/html,application/json\r\n"
        "Accept-Language: en\r\n"
        f"Cookie: sessionid=0123456789abcdef; csrftoken=fedcba9876543210; {cookie}\r\n"
        f"{length}\r\n"
    )
    return head.encode() + posted
