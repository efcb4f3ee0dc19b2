"""Where a command works: the fig.yaml it was given, its ``state_dir``, and the supervisor that runs there, if any."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from stranglerfig.cli.output import ExitCode, err, fail, fail_with_problems
from stranglerfig.config.load import load, state_dir_of_broken
from stranglerfig.config.model import Config
from stranglerfig.config.problem import ConfigError
from stranglerfig.control.client import AdminClient, AdminError, running
from stranglerfig.control.environment import SecretError, secret
from stranglerfig.control.lock import SERVE_NAME


@dataclass(frozen=True, slots=True)
class Place:
    """What a command found."""

    config_path: Path
    state_dir: Path
    client: AdminClient | None


def find_place(config: str) -> Place:
    """Find the supervisor of ``config``, or say that none runs. Ends the command when the file is of no use.

    A file that is broken at the moment still leads to its state_dir, whether a supervisor runs or not: an abort must
    not wait until the file is mended. FIG_ADMIN_URL names a supervisor elsewhere.
    """
    path = Path(config).absolute()
    try:
        if url := os.environ.get("FIG_ADMIN_URL"):
            return Place(path, path.parent / ".fig", AdminClient(url, secret("FIG_ADMIN_TOKEN")))
        try:
            state_dir = load(path).state_dir
        except ConfigError as error:
            found = _state_dir_of_broken(path)
            if found is None:
                fail_with_problems(error.problems)
            state_dir = found
        return Place(path, state_dir, running(state_dir))
    except SecretError as error:
        fail(str(error))


def config_of(place: Place) -> Config | None:
    """The config as written now; a file that is broken at the moment hides nothing that was found."""
    try:
        return load(place.config_path).config
    except ConfigError:
        return None


def exit_code_of(status: int) -> ExitCode:
    """The exit code for a refused change: 2 for a name or value that cannot be meant, 1 for what cannot be now."""
    return ExitCode.USAGE if status in (404, 422) else ExitCode.NO


def fail_with_admin_error(error: AdminError) -> NoReturn:
    """Print what the supervisor refused, and end the command."""
    message = str(error) + "".join(f"\n  {problem}" for problem in error.problems)
    code = ExitCode.USAGE if error.problems else exit_code_of(error.status)
    fail(message, mend=error.mend or None, code=code)


def warn_of_orphans(answer: dict[str, Any]) -> None:
    """Say it when workers of a killed supervisor still serve by what they knew."""
    if orphans := answer.get("orphans"):
        err.print(
            f"[bold yellow]warning:[/] {len(orphans)} processes of a killed supervisor still serve as before; "
            "`fig serve` takes them over"
        )


def _state_dir_of_broken(config_path: Path) -> Path | None:
    """The state_dir that the broken file means, if it is there; else that of a supervisor that runs the file."""
    meant = state_dir_of_broken(config_path)
    if meant is not None and not meant.is_dir():
        meant = None
    if meant is not None and running(meant) is not None:
        return meant
    return _state_dir_of_running(config_path) or meant


def _state_dir_of_running(config_path: Path) -> Path | None:
    """Look beside a broken file for the state_dir of a supervisor that runs it."""
    for serve_json in sorted(config_path.parent.glob(f"*/{SERVE_NAME}")) + sorted(
        config_path.parent.glob(f".*/{SERVE_NAME}")
    ):
        try:
            facts = json.loads(serve_json.read_bytes())
        except (OSError, ValueError):
            continue
        if facts.get("config") == str(config_path) and running(serve_json.parent) is not None:
            return serve_json.parent
    return None
