"""Aborts on disk: ``overrides.json`` in ``state_dir``, written so that a crash leaves the old or the new, never half."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from stranglerfig.routing.override import Override

OVERRIDES_NAME = "overrides.json"


class OverridesError(RuntimeError):
    """The file can't be read: nobody may guess which aborts hold."""


def load(state_dir: Path) -> dict[str, Override]:
    """Which capabilities are aborted. Raises ``OverridesError`` for a damaged file."""
    path = state_dir / OVERRIDES_NAME
    try:
        data = json.loads(path.read_bytes())
        overrides = [Override.from_dict(item) for item in data["overrides"]]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise OverridesError(
            f"{path} can't be read ({error}); it holds which capabilities are aborted. "
            "Mend it, or remove it if none should be"
        ) from error
    return {override.capability: override for override in overrides}


def save(state_dir: Path, overrides: Mapping[str, Override]) -> None:
    """Write them and wait for the disk: an abort must hold after a power cut too. Raises ``OSError``."""
    path = state_dir / OVERRIDES_NAME
    data = {"overrides": [override.to_dict() for override in overrides.values()]}
    temporary = path.with_suffix(".tmp")
    with temporary.open("w") as file:
        json.dump(data, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
