"""Places that a rule may name: status, header, query, and paths inside a body."""

import re
from typing import Any, Final

from stranglerfig.config.mistake import mistake

QUERY: Final = "query"
HEADER: Final = "header"
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)  # RFC 9110: token
_BODY_PATH: Final = re.compile(
    r"\$((\.[A-Za-z_@$][A-Za-z0-9_@$:-]*(#[A-Za-z_@$][A-Za-z_@$:-]*)?|\.\*|\.#text)|\[\])+",
    re.ASCII,
)
LINES: Final = "$.line[]"


def read_where(value: Any) -> Any:
    """The place in its one spelling. Raises ``PydanticCustomError`` for what is none."""
    words = value.split() if isinstance(value, str) else []
    match words:
        case ["status" | "body" as place]:
            return place
        case ["header", name] if _TOKEN.fullmatch(name):
            return f"{HEADER} {name.lower()}"
        case ["query", name]:
            return f"{QUERY} {name}"
    raise mistake(
        f"{value!r} is no place in an answer", "write status, body, header NAME or query NAME"
    )


def check_form(path: str) -> None:
    """Raises ``PydanticCustomError`` for what is no path inside a body."""
    if not _BODY_PATH.fullmatch(path):
        raise mistake(
            f"{path!r} is no path of this form",
            "start at $, name members with .name, all positions with [], keys that are data with .*",
            ("path",),
        )
