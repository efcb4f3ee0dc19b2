"""What comes from the environment. Secrets: as NAME, or as a file named by NAME_FILE; never from arguments or fig.yaml."""

import os
from pathlib import Path


class SecretError(Exception):
    """A secret was announced and can't be read."""


def secret(name: str) -> str | None:
    """Read secret ``name``; ``None`` when it is not set. Raises ``SecretError``."""
    written = os.environ.get(name)
    path = os.environ.get(f"{name}_FILE")
    if written and path:
        raise SecretError(f"{name} and {name}_FILE are both set; unset one of them")
    if path:
        try:
            written = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretError(f"{name}_FILE={path} can't be read: {error}") from error
        if not written:
            raise SecretError(f"{name}_FILE={path} is empty")
    if written and not (written.isascii() and written.isprintable()):
        # It travels in headers and is never shown, so the message must not show it either.
        source = f"{name}_FILE={path}" if path else name
        raise SecretError(f"{source} must be one line of printable ASCII characters")
    return written or None


def hosts(name: str) -> frozenset[str]:
    """Read a comma-separated list of host names."""
    return frozenset(host.strip() for host in os.environ.get(name, "").split(",") if host.strip())
