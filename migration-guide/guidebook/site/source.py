"""A file or a folder of the repository as a page, for who reads the site without a clone."""

import re
from collections.abc import Iterable

_LANGUAGES = {
    ".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json",
    ".sql": "sql", ".html": "html+django", ".diff": "diff", ".patch": "diff", ".sh": "bash",
}  # fmt: skip


def show_file(name: str, text: str) -> str:
    """The file whole, coloured by its ending."""
    suffix = name[name.rfind(".") :] if "." in name else ""
    language = "make" if name.endswith("Makefile") else _LANGUAGES.get(suffix, "text")
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"# `{name}`\n\n{fence}{language}\n{text.rstrip()}\n{fence}\n"


def show_folder(name: str, files: Iterable[str]) -> str:
    """The names of the files in it."""
    inside = [file for file in files if file.startswith(f"{name}/")]
    listed = "\n".join(f"- `{file}`" for file in inside)
    return f"# `{name}/`\n\n{listed}\n"
