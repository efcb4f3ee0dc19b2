"""Makes what the containers are given from outside: each secret as a file, the folder of fig.yaml, and Compose's .env.

Nothing that is there is changed: a database knows the password it was made with, and fig.yaml is its reader's.
Standard library only, so that it runs before anything is installed.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

CONFIGS: Mapping[str, str] = {"fig.containers.yaml": "fig.yaml", "fig.rules.yaml": "fig.rules.yaml"}
RANDOM = (
    "postgres_password",
    "monolith_database_password",
    "monolith_secret_key",
    "catalog_database_password",
    "catalog_secret_key",
    "catalog_credential",
    "proxy_credential",
    "fig_secret",
    "fig_admin_token",
)
DATABASES: Mapping[str, tuple[str, str]] = {
    "monolith_database_url": ("shopsmart", "monolith_database_password"),
    "catalog_database_url": ("shopsmart_catalog", "catalog_database_password"),
}
"""Secrets made of others: the role, which has a database of its name, and the file of its password."""
IMAGE_USER = 10001
"""Who the containers are run as where this machine's user is root, whom no container should be."""


class FilesError(Exception):
    """What can't be made, and why."""


def make_files(folder: Path, env: Path, *, configs: Path) -> list[Path]:
    """Make what is missing in ``folder``, and ``env``; gives what was made. ``configs`` holds what is copied.

    Raises FilesError.
    """
    try:
        # Secrets are readable by every container that is given them, whatever its user; on this machine their folder
        # keeps others out.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [
            *_make_secrets(folder / "secrets"),
            *_make_configs(folder / "fig", configs),
            *_make_env(env),
        ]
    except OSError as error:
        raise FilesError(f"{error.filename}: {error.strerror}") from error


def owner() -> tuple[int, int]:
    """The user and group that the proxy is run as: who owns the folder of fig.yaml."""
    user, group = os.getuid(), os.getgid()
    return (user, group) if user else (IMAGE_USER, IMAGE_USER)


def _make_secrets(folder: Path) -> Iterator[Path]:
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in RANDOM:
        if _is_missing(folder / name):
            _write(folder / name, secrets.token_urlsafe(48), mode=0o444)
            yield folder / name
    for name, (role, password) in DATABASES.items():
        file, secret = folder / name, quote((folder / password).read_text().strip(), safe="")
        url = f"postgresql://{role}:{secret}@database/{role}"
        if _is_missing(file):
            _write(file, url, mode=0o444)
            yield file
        elif secret not in file.read_text():
            raise FilesError(
                f"{file} does not hold what is in {password}: delete it, and run this again"
            )


def _is_missing(file: Path) -> bool:
    if file.exists() and not file.read_text().strip():
        raise FilesError(f"{file} is empty: delete it, and run this again")
    return not file.exists()


def _make_configs(folder: Path, configs: Path) -> Iterator[Path]:
    if not folder.exists():
        folder.mkdir(mode=0o755)
        _give(folder)
    for source, name in CONFIGS.items():
        file = folder / name
        if not file.exists():
            _write(file, (configs / source).read_text(), mode=0o644)
            _give(file)
            yield file


def _make_env(file: Path) -> Iterator[Path]:
    if not file.exists():
        user, group = owner()
        _write(file, f"COMPOSE_PROJECT_NAME=shopsmart\nSTACK_USER={user}:{group}\n", mode=0o644)
        yield file


def _write(file: Path, text: str, *, mode: int) -> None:
    """Whole or not at all: a half-written secret would count as there."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "w", encoding="utf-8") as opened:  # noqa: PTH123 - a descriptor
            os.fchmod(descriptor, mode)  # whatever the umask says
            opened.write(text)
            opened.flush()
            os.fsync(descriptor)
        beside.rename(file)
    finally:
        beside.unlink(missing_ok=True)


def _give(path: Path) -> None:
    if os.getuid() == 0:
        os.chown(path, *owner())
