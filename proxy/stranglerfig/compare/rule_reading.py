"""What a rule says of how bodies are read, checked: each word with what belongs to it."""

from typing import Final

from stranglerfig.compare.diff.reading import LIST_READINGS, As
from stranglerfig.compare.rule_place import check_form
from stranglerfig.config.mistake import mistake

LIST: Final = "list"
PLACEHOLDER: Final = "placeholder"


def check_reading(action: str, path: str | None, reading: As | None, key: str | None) -> None:
    """Raises ``PydanticCustomError`` where the action's words are missing, or another one's are there."""
    if action == LIST:
        _check_list(path, reading, key)
    elif action == PLACEHOLDER:
        _check_placeholder(path, reading, key)
    elif reading is not None or key is not None:
        word = "as" if reading is not None else "key"
        raise mistake(f"{word} means nothing to {action}", "remove it", (word,))


def _check_list(path: str | None, reading: As | None, key: str | None) -> None:
    if path is None:
        raise mistake("the list is not named", "name it: path: $.results; $ is the whole body")
    if path != "$":
        check_form(path)
    if reading not in LIST_READINGS:
        raise mistake(
            "it is not said how the list is read", "write as: ordered, as: bag or as: key"
        )
    if (reading is As.KEY) != (key is not None):
        raise mistake("as: key and key: NAME belong together", "write both: as: key and key: sku")


def _check_placeholder(path: str | None, reading: As | None, key: str | None) -> None:
    if path is not None or key is not None:
        word = "path" if path is not None else "key"
        raise mistake(f"{word} means nothing to placeholder", "remove it", (word,))
    if reading is not As.ASSET:
        raise mistake("it is not said what the placeholder stands for", "write as: asset")
