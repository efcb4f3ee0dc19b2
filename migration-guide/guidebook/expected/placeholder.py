"""What may vary in shown output, by type. Anything else in angle brackets is what it says."""

_WHOLE = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_NUMBER = rf"{_WHOLE}(?:\.\d+)?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_DATE = r"\d{4}-\d{2}-\d{2}"
_ZONE = r"(?:Z|\s?[+-]\d{2}:?\d{2}|\s(?:UTC|GMT))?"
_DAY = r"(?:[A-Z][a-z]{2},? )?\d{1,2}[ /][A-Z][a-z]{2}[ /]\d{4}"  # of logs and of HTTP's dates

PLACEHOLDERS: dict[str, str] = {
    "n": _WHOLE,
    "ms": _NUMBER,
    "s": _NUMBER,
    "percent": _NUMBER,
    "port": r"\d{1,5}",
    "pid": r"\d+",
    "time": rf"(?:(?:{_DATE}|{_DAY})(?:[T: ]{_CLOCK}{_ZONE})?|{_CLOCK}{_ZONE})",
    "id": r"[A-Za-z0-9_-]{4,}={0,2}",
    "who": r"[^\s@]+@[^\s:]+",
    "version": r"\d+(?:\.\d+)+(?:[-.+]?[A-Za-z0-9]+)*",
}
"""The pattern of each. ``<folder>`` is the clone's own path, so its pattern is made for each run."""
FOLDER = "folder"
