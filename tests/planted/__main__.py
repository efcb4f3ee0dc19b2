"""The command: `python -m planted --list`."""

import argparse
import json

from planted import __doc__ as what
from planted.bugs import BUGS


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="planted", description=what, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", required=True, help="list the bugs")
    parser.add_argument("--json", action="store_true", help="as JSON")
    if parser.parse_args().json:
        rows = [
            {
                "name": bug.name,
                "about": bug.about,
                "what": bug.what,
                "visitor": bug.visitor or "guest",
                "session": [f"{step.method} {step.path}" for step in bug.session],
                "found": str(bug.found),
            }
            for bug in BUGS.values()
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))  # noqa: T201
        return
    for bug in BUGS.values():
        lines = (
            f"{bug.name} ({bug.about}): {bug.what}",
            *(f"    {step.method} {step.path}" for step in bug.session),
            f"    → {bug.found}",
        )
        print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
