"""Inputs that broke something: made as short as they can be, and kept as text that a test reads ever after.

A file in ``found/`` holds one input for the target that its name begins with: bytes beyond printable ASCII as in a Python
literal, line ends of the file left out, lines with ``#`` in front left out.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

FOUND: Final = Path(__file__).with_name("found")
_MOST_TRIES: Final = 20_000


def fault_of(check: Callable[[bytes], None], data: bytes) -> Exception | None:
    """What ``check`` raises for ``data``."""
    try:
        check(data)
    except Exception as error:
        return error
    return None


def shrink(check: Callable[[bytes], None], data: bytes) -> bytes:
    """The shortest input found that breaks ``check`` with the same kind of exception; ``data`` if it does not."""
    fault = fault_of(check, data)
    if fault is None:
        return data  # it took too long, or too much memory
    kind = type(fault)
    tries = 0
    size = max(len(data) // 2, 1)
    while size:
        at = 0
        while at < len(data) and tries < _MOST_TRIES:
            tries += 1
            shorter = data[:at] + data[at + size :]
            if type(fault_of(check, shorter)) is kind:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def write(target: str, data: bytes, folder: Path = FOUND) -> Path:
    """Keep ``data`` as a case of ``target``."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{target}-{sha256(data).hexdigest()[:10]}.txt"
    file.write_text(escape(data))
    return file


def escape(data: bytes) -> str:
    """Bytes as lines of printable ASCII, one for each line of the input."""
    lines = data.decode("latin-1").encode("unicode_escape").decode("ascii").split("\\n")
    return "".join(f"{_plain_ends(line)}\n" for line in "\\n\0".join(lines).split("\0") if line)


def _plain_ends(line: str) -> str:
    """``#`` in front would be a comment, and white space at the end is lost in editors."""
    if line.startswith("#"):
        line = "\\x23" + line[1:]
    return line[:-1] + "\\x20" if line.endswith(" ") else line


def unescape(text: str) -> bytes:
    """What ``escape`` was given."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return "".join(lines).encode("ascii").decode("unicode_escape").encode("latin-1")


def read_all(folder: Path = FOUND) -> dict[str, tuple[str, bytes]]:
    """All cases by file name: target and input."""
    return {
        file.stem: (file.stem.partition("-")[0], unescape(file.read_text()))
        for file in sorted(folder.glob("*.txt"))
    }
