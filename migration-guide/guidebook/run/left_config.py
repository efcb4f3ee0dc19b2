"""The fig.yaml that a reader has after a step is the one that the step says it leaves."""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from guidebook.book import STEP_CONFIG, Entry
from guidebook.expected import Shown, difference
from guidebook.run.report import FailedError, Failure

MADE_CONFIG = ".guide/fig.yaml"


def compare_config(entry: Entry, clone: Path) -> None:
    """Compare what the files mean: comments may differ. Raises FailedError."""
    told = entry.folder / STEP_CONFIG
    if not told.exists():
        return
    made = clone / MADE_CONFIG

    def failure(why: str, diff: tuple[str, ...] = ()) -> FailedError:
        return FailedError(Failure(entry.page.name, 1, f"{MADE_CONFIG} after the step", why, diff))

    if not made.exists():
        raise failure(f"the step has made no {MADE_CONFIG}")
    yaml = YAML(typ="safe")
    try:
        differs = yaml.load(told) != yaml.load(made)
    except YAMLError as error:
        raise failure(f"it can't be read: {error}") from error
    if differs:
        shown = Shown(tuple(told.read_text().splitlines()), str(clone))
        diff = tuple(difference(shown, made.read_text().splitlines()))
        raise failure(f"it is not what {told.parent.name}/{told.name} says", diff)
