"""Where a capability's evidence begins: what had been counted when its stage, its share or the rules last changed.

Counters run on for ever; evidence must not. A difference that was mended, or is covered by a rule now, belongs to
the time before. ``marks.json`` in ``state_dir`` is written by the supervisor and read by ``fig diffs --since change``.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from stranglerfig.compare.account import Account

MARKS_NAME: Final = "marks.json"


@dataclass(frozen=True, slots=True)
class Mark:
    """The account at the last change; ``at`` is unix seconds."""

    at: float
    account: Account


def read_marks(state_dir: Path) -> dict[str, Mark]:
    """Marks by capability. A file that is missing or damaged marks nothing: all that was ever counted is shown."""
    try:
        data = json.loads((state_dir / MARKS_NAME).read_bytes())
        return {
            name: Mark(float(mark["at"]), Account(**mark["account"])) for name, mark in data.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def write_marks(state_dir: Path, marks: Mapping[str, Mark]) -> None:
    """Replace the file whole. Raises ``OSError``."""
    path = state_dir / MARKS_NAME
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({name: asdict(mark) for name, mark in marks.items()}))
    temporary.replace(path)
