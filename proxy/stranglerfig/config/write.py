"""Put a new text in the place of fig.yaml: only if it still is what was read, and never half of it.

A file is replaced by renaming a finished one onto it. Where that cannot be (a single file mounted into a container, a
directory that may not be written) it is written in place, and restored if that fails midway.
"""

import contextlib
import errno
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from stranglerfig.config.problem import EditError

# What a directory that may not be written, and a file that is a mount point, answer.
_NO_RENAME: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV, errno.ENOENT)
_READ_ONLY: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


class Changed(EditError):  # noqa: N818 - says what happened
    """Somebody else changed the file since it was read."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was changed by somebody else meanwhile", "look at it and try again"
        )


class ReadOnly(EditError):  # noqa: N818
    """The file may not be written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} may not be written ({error.strerror})", "change it where it comes from"
        )


def write_atomically(path: str | Path, new_text: str, expected_digest: str) -> None:
    """Replace the text of the file whose content has ``expected_digest`` (as ``Loaded.digest``).

    Keeps mode and owner, and a symbolic link stays one. Raises Changed, ReadOnly, or OSError (disk full); then the
    file is as it was.
    """
    target = Path(path).resolve()
    content = new_text.encode()
    old = _expect(target, expected_digest)
    if content == old:
        return
    try:
        _replace(target, content, expected_digest)
    except OSError as error:
        if error.errno not in _NO_RENAME:
            raise
        _write_in_place(target, content, old)


def _expect(target: Path, digest: str) -> bytes:
    try:
        content = target.read_bytes()
    except FileNotFoundError:
        raise Changed(target) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise Changed(target)
    return content


def _replace(target: Path, content: bytes, digest: str) -> None:
    status = target.stat()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(content)
            os.fchmod(new.fileno(), status.st_mode & 0o7777)
            own = os.fstat(new.fileno())
            if (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
                os.fchown(new.fileno(), status.st_uid, status.st_gid)
            new.flush()
            os.fsync(new.fileno())
        _expect(target, digest)  # the last look: an editor may have saved in between
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    """Make the new name last through a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_in_place(target: Path, content: bytes, old: bytes) -> None:
    try:
        with target.open("r+b", buffering=0) as file:
            try:
                _overwrite(file.fileno(), content)
            except OSError:
                _overwrite(file.fileno(), old)
                raise
    except OSError as error:
        if error.errno in _READ_ONLY:
            raise ReadOnly(target, error) from None
        raise


def _overwrite(descriptor: int, content: bytes) -> None:
    # Room for the new text is taken before a byte of the old one goes.
    if len(content) > os.fstat(descriptor).st_size:
        try:
            os.posix_fallocate(descriptor, 0, len(content))
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # not every file system can
                raise
    view, written = memoryview(content), 0
    while written < len(content):
        written += os.pwrite(descriptor, view[written:], written)
    os.ftruncate(descriptor, len(content))
    os.fsync(descriptor)
