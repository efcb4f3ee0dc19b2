"""``python -m compose_files``: make what compose.yaml mounts. Run again, it keeps everything. Needs only Python."""

import argparse
import sys
from pathlib import Path

from compose_files.files import FilesError, make_files

HERE = Path(__file__).resolve().parents[1]


def main() -> int:
    """Make the files; return 2 where they can't be made."""
    parser = argparse.ArgumentParser(
        prog="python -m compose_files",
        description="Make the secrets and files that compose.yaml mounts.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=HERE.parent / ".stack",
        help="where they are made; the environment's STACK_DIR says so to Compose. Default: .stack",
    )
    parser.add_argument(
        "--env",
        type=Path,
        default=HERE / ".env",
        metavar="FILE",
        help="what Compose reads beside compose.yaml; default: compose/.env",
    )
    options = parser.parse_args()
    try:
        made = make_files(options.folder, options.env, configs=HERE)
    except FilesError as error:
        print(f"compose_files: {error}", file=sys.stderr)  # noqa: T201
        return 2
    for path in made:
        print(f"made {path}")  # noqa: T201
    if not made:
        print(f"everything is there: {options.folder}, {options.env}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
