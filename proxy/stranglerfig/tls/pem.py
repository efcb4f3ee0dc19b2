"""PEM files: read whole, and given to OpenSSL without a second copy on any disk."""

import contextlib
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn

from stranglerfig.config.tls import PemPaths

MAX_BYTES: Final = 1024 * 1024  # all CAs of a system are about 220 KB

Texts = tuple[str, ...]
Pems = Mapping[PemPaths, Texts]
"""What the files hold that belong together, by their paths."""


class PemError(Exception):
    """A file can't be used: which one, why, and how to mend it."""

    def __init__(self, path: str, message: str, mend: str) -> None:
        super().__init__(f"{path} {message}; {mend}")
        self.path = path
        self.message = message
        self.mend = mend


def read_pems(paths: PemPaths) -> Texts:
    """Read files that belong together. Raises ``PemError``."""
    return tuple(map(_read, paths))


def _read(path: str) -> str:
    try:
        if not Path(path).is_file():
            state = "is no regular file" if Path(path).exists() else "is not there"
            raise PemError(path, state, "write the path of a PEM file, from fig.yaml's folder")
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PemError(
            path, f"can't be read: {error.strerror}", "let the user of fig serve read it"
        ) from error
    if len(content) > MAX_BYTES:
        raise PemError(path, "is larger than 1 MiB", "name a file of certificates in PEM")
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        # Comments may be in any language; what counts is ASCII.
        text = content.decode("latin-1")
        if "-----BEGIN " in text:
            return text.encode("ascii", "replace").decode()
        raise PemError(
            path, "is not PEM", "convert it: openssl x509 -inform DER -in FILE (or openssl pkey)"
        ) from None


def load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Let ``context`` show this certificate. Raises ``ssl.SSLError``, or ``ValueError`` if the key has a password."""
    with _as_file(certificate) as certificate_path, _as_file(key) as key_path:
        context.load_cert_chain(certificate_path, key_path, password=_no_password)


def _no_password() -> NoReturn:
    # Without it OpenSSL would ask on the terminal.
    raise ValueError("the key has a password")


@contextlib.contextmanager
def _as_file(text: str) -> Iterator[str]:
    """A name under which ``text`` can be read once: ``ssl`` takes keys from files alone, and a key must be in none of ours."""
    reading, writing = os.pipe()
    feeder = threading.Thread(target=_feed, args=(writing, text.encode()), daemon=True)
    feeder.start()
    try:
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)  # who still writes hears of it
        feeder.join()


def _feed(descriptor: int, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
        pipe.write(content)
