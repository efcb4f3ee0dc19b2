"""Counters that survive their process: 64-bit cells in a file mapped into memory.

One block per process slot: ``worker-0.cells`` holds the numbers, ``worker-0.keys`` beside it says what each one counts:
line i names cell i. The page cache belongs to the kernel, so a process killed at any instant loses nothing that it
had counted, and the process that takes its slot goes on in the same cells.

The order of writes makes that safe: a key's line is appended (one write) before its cell is first used. A line cut by
a kill has no newline, names no cell yet, and is cut off by the next owner. There is one writer per block, held by a
lock on the file; readers need none.
"""

import contextlib
import fcntl
import json
import mmap
import os
from pathlib import Path

from stranglerfig.counters.names import CELL_LABELS, OVERFLOW

COUNTERS_NAME = "counters"  # the folder of all blocks, in state_dir
CELL_BYTES = 8
DEFAULT_CELLS = (
    16384  # 128 KiB: about 60 capabilities with every stage, side, status class, reason and bucket
)
CELLS_SUFFIX = ".cells"
KEYS_SUFFIX = ".keys"

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]

_OVERFLOW_KEY: Key = (OVERFLOW, ())


class BlockInUseError(RuntimeError):
    """Another live process counts in this block: two writers would lose each other's counts."""


class CounterBlock:
    """The cells of one process slot. Not for use from several threads."""

    def __init__(
        self, mapped: mmap.mmap, cells_fd: int, keys_fd: int, keys: list[Key | None]
    ) -> None:
        self._map = mapped
        self._cells_fd = cells_fd
        self._keys_fd = keys_fd
        self._used = len(keys)
        self._index = {key: cell for cell, key in enumerate(keys) if key is not None}
        #: The numbers themselves; ``cells[cell] += 1`` is the cheapest way to count.
        self.cells: memoryview = memoryview(mapped).cast("Q")

    @classmethod
    def open(cls, path: Path, cells: int = DEFAULT_CELLS) -> "CounterBlock":
        """Open or create the block at ``path`` (``….cells``) and become its only writer.

        A block made larger before keeps its size. Raises ``BlockInUseError`` while another process holds it, ``OSError``
        when the folder can't be written or the disk has no room for it.
        """
        path = path.with_suffix(CELLS_SUFFIX)
        path.parent.mkdir(parents=True, exist_ok=True)
        cells_fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(cells_fd, path)
            size = max(os.fstat(cells_fd).st_size // CELL_BYTES, cells, 1) * CELL_BYTES
            # Room is taken now: a page that finds none when it is first counted in would kill the process (SIGBUS).
            os.posix_fallocate(cells_fd, 0, size)
            keys_fd = os.open(
                path.with_suffix(KEYS_SUFFIX),
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_APPEND,
                0o600,
            )
        except BaseException:
            os.close(cells_fd)
            raise
        keys = _whole_keys(keys_fd)
        block = cls(mmap.mmap(cells_fd, size, mmap.MAP_SHARED), cells_fd, keys_fd, keys)
        block._forget_unnamed_cells()
        block.cell(OVERFLOW)
        return block

    def cell(self, name: str, **labels: str) -> int:
        """Give the number of the cell for ``name`` and ``labels``, the same one for as long as the file lives.

        A full block gives the overflow cell. Raises ``KeyError`` for a name or label set that ``counters/names.py``
        does not know: a mistake of the caller, found by the first test that runs the line.
        """
        key: Key = (name, tuple(sorted(labels.items())))
        known = self._index.get(key)
        if known is not None:
            return known
        if CELL_LABELS.get(name) != labels.keys():
            raise KeyError(f"{name} with labels {sorted(labels)} is not in counters/names.py")
        cell = self._claim(key)
        self._index[key] = cell
        return cell

    def add(self, cell: int, n: int = 1) -> None:
        """Count ``n`` in ``cell``."""
        self.cells[cell] += n

    def set(self, cell: int, value: int) -> None:
        """Set a gauge; when the block was full and ``cell`` is the overflow cell, that goes on counting."""
        if cell != self._index.get(_OVERFLOW_KEY):
            self.cells[cell] = value

    def get(self, cell: int) -> int:
        """Read one cell."""
        return self.cells[cell]

    def counts(self) -> dict[Key, int]:
        """Every cell by its key, as ``read_block`` gives them of a block that another process owns."""
        return {key: self.cells[cell] for key, cell in self._index.items()}

    def close(self) -> None:
        """Give the block back; what was counted stays in the file. Safe to call twice."""
        self.cells.release()
        with contextlib.suppress(ValueError, BufferError):
            self._map.close()
        for fd in (self._keys_fd, self._cells_fd):
            if fd >= 0:
                os.close(fd)
        self._keys_fd = self._cells_fd = -1

    def _claim(self, key: Key) -> int:
        """Name the next free cell, or fall back to overflow when the block or the disk is full."""
        if self._used >= len(self.cells):
            return self._index[_OVERFLOW_KEY]
        line = _key_line(key)
        try:
            written = os.write(self._keys_fd, line)
        except OSError:
            written = 0
        if written != len(line):
            # A disk that is full must not break requests. The cut line is removed, or else the next key would be
            # glued to it and every later line would name the wrong cell.
            with contextlib.suppress(OSError):
                os.ftruncate(self._keys_fd, os.fstat(self._keys_fd).st_size - written)
            return self._index.get(_OVERFLOW_KEY, 0)
        cell = self._used
        self._used += 1
        return cell

    def _forget_unnamed_cells(self) -> None:
        """Zero what no key names: after a machine crash the cells may be on disk and their lines not."""
        for cell in range(self._used, len(self.cells)):
            if self.cells[cell]:
                self.cells[cell] = 0


def read_all(directory: Path) -> dict[Key, int]:
    """Sum every block in ``directory``: ``{(name, ((label, value), …)): count}``. A missing folder is empty."""
    total: dict[Key, int] = {}
    for path in sorted(directory.glob(f"*{CELLS_SUFFIX}")):
        for key, count in read_block(path).items():
            total[key] = total.get(key, 0) + count
    return total


def read_block(path: Path) -> dict[Key, int]:
    """Read one block while its owner goes on counting; ``{}`` if it is being created or was removed."""
    try:
        keys = _parse_keys(path.with_suffix(KEYS_SUFFIX).read_bytes())[0]
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < CELL_BYTES:
                return {}
            with (
                mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped,
                memoryview(mapped) as raw,
                raw.cast("Q") as cells,
            ):
                named = enumerate(keys[: len(cells)])
                return {key: cells[cell] for cell, key in named if key is not None}
    except (FileNotFoundError, ValueError):
        return {}


def _lock(fd: int, path: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockInUseError(f"another process counts in {path}") from None


def _key_line(key: Key) -> bytes:
    name, labels = key
    return json.dumps([name, dict(labels)], separators=(",", ":")).encode() + b"\n"


def _whole_keys(keys_fd: int) -> list[Key | None]:
    """Read the keys of a block that is ours now, and cut off a line that a kill left half written."""
    size = os.fstat(keys_fd).st_size
    keys, whole = _parse_keys(os.pread(keys_fd, size, 0))
    if whole != size:
        os.ftruncate(keys_fd, whole)
    return keys


def _parse_keys(data: bytes) -> tuple[list[Key | None], int]:
    """Give the keys of the whole lines and how many bytes those take. A damaged line keeps its cell, unnamed."""
    whole = data.rfind(b"\n") + 1
    return [_parse_key(line) for line in data[:whole].split(b"\n")[:-1]], whole


def _parse_key(line: bytes) -> Key | None:
    try:
        name, labels = json.loads(line)
        return name, tuple(sorted((str(k), str(v)) for k, v in labels.items()))
    except (ValueError, TypeError, AttributeError):
        return None
