"""Makes what the containers are given from outside: each secret as a file, the folder of fig.yaml, and Compose's .env.

Nothing that is there is changed: a database knows the password it was made with, and fig.yaml is its reader's.
Standard library only, so that it runs before anything is installed.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

CONFIGS: Mapping[str, str] = {"fig.containers.yaml": "fig.yaml", "fig.rules.yaml": "fig.rules.yaml"}
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

    def database(name: str, password: str) -> Callable[[], str]:
        return lambda: f"postgresql://{name}:{(folder / password).read_text()}@database/{name}"

    made: Mapping[str, Callable[[], str]] = {
        "postgres_password": _random,
        "monolith_database_password": _random,
        "monolith_database_url": database("shopsmart", "monolith_database_password"),
        "monolith_secret_key": _random,
        "catalog_database_password": _random,
        "catalog_database_url": database("shopsmart_catalog", "catalog_database_password"),
        "catalog_secret_key": _random,
        "catalog_credential": _random,
        "proxy_credential": _random,
        "fig_secret": _random,
    }
    for name, value in made.items():
        file = folder / name
        if not file.exists():
            _write(file, value(), mode=0o444)
            yield file


def _make_configs(folder: Path, configs: Path) -> Iterator[Path]:
    if not folder.exists():
        folder.mkdir(mode=0o755)
        _give(folder)
    for source, name in CONFIGS.items():
        file = folder / name
        if not file.exists():
            shutil.copyfile(configs / source, file)
            _give(file)
            yield file


def _make_env(file: Path) -> Iterator[Path]:
    if not file.exists():
        user, group = owner()
        _write(file, f"COMPOSE_PROJECT_NAME=shopsmart\nSTACK_USER={user}:{group}\n", mode=0o644)
        yield file


def _write(file: Path, text: str, *, mode: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "w", encoding="utf-8") as opened:  # noqa: PTH123 - a descriptor
        os.fchmod(descriptor, mode)  # whatever the umask says
        opened.write(text)


def _give(path: Path) -> None:
    if os.getuid() == 0:
        os.chown(path, *owner())


def _random() -> str:
    return secrets.token_urlsafe(48)
