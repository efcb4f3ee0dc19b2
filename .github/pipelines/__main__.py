"""Writes .github/workflows, or with --check says whether they are as they would be written."""

import argparse
import sys

from workflows import FOLDER, ROOT, Mistake, read_parts, write_workflows


def main() -> int:
    """Exit code 1: something is not as it would be written; 2: it can't be written."""
    parser = argparse.ArgumentParser(prog="pipelines", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    try:
        wanted = write_workflows(read_parts())
    except Mistake as mistake:
        print(mistake, file=sys.stderr)  # noqa: T201
        return 2
    folder = ROOT / FOLDER
    folder.mkdir(exist_ok=True)
    there = {str(file.relative_to(ROOT)): file.read_text() for file in folder.iterdir()}
    if check:
        other = sorted(
            path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path)
        )
        for path in other:
            print(f"{path} is not as it would be written: run make pipelines", file=sys.stderr)  # noqa: T201
        return 1 if other else 0
    for path in there.keys() - wanted.keys():
        (ROOT / path).unlink()
    for path, text in wanted.items():
        (ROOT / path).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
