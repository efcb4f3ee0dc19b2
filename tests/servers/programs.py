"""Where PostgreSQL's programs are on this machine, and what to do where they are not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WHAT_TO_INSTALL = (
    "PostgreSQL is not installed: there is no initdb in PATH nor in /usr/lib/postgresql/*/bin. Install it "
    "(apt-get install postgresql; dnf install postgresql-server; brew install postgresql), or put the folder of its "
    "programs into PATH. No server has to run: the tests start one of their own."
)
DEBIAN = Path("/usr/lib/postgresql")
PACKAGE = "postgresql"


class NotInstalled(Exception):  # noqa: N818
    """There is no PostgreSQL here; the text says what to install."""


def find_programs() -> Path:
    """The folder of initdb and postgres: by PATH, else Debian's newest. Raises NotInstalled."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(DEBIAN.glob("*/bin"), key=_version_in_path, reverse=True)
    for folder in folders:
        if all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
            return folder
    raise NotInstalled(WHAT_TO_INSTALL)


def major_version(programs: Path) -> int:
    """As the programs themselves say."""
    said = subprocess.run(
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"(\d+)", said)
    if found is None:
        raise ValueError(f"no version in {said!r}")
    return int(found[1])


def install() -> None:
    """Let Debian's packages bring it, if that can be done without asking anybody. Raises NotInstalled."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if not shutil.which("apt-get") or (as_root and not _works([*as_root, "true"])):
        raise NotInstalled(WHAT_TO_INSTALL)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", PACKAGE]):
        command = [*as_root, "apt-get", *words]
        if subprocess.run(command, check=False, env=environment).returncode:
            raise NotInstalled(f"{' '.join(command)} failed. {WHAT_TO_INSTALL}")


def _version_in_path(folder: Path) -> float:
    return float(folder.parent.name) if re.fullmatch(r"[\d.]+", folder.parent.name) else 0


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def main() -> int:
    """What `make test-all` does first: find PostgreSQL, install it where it can, else say what is missing."""
    try:
        try:
            find_programs()
        except NotInstalled:
            install()
            find_programs()
    except NotInstalled as missing:
        print(missing, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
