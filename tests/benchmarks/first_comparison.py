"""How long from `git clone` to the first comparison of a service with its monolith, as the guide leads there.

A real `git clone` of what is committed here, and then every command of the guide as a reader types it (`guidebook run`),
`make setup` among them, to the place that the page marks. Reading is not in it, nor the network between here and a host of
repositories; packages come from where pip finds them, its cache among that. ShopSmart's steps and the chapter on an
application of one's own are two runs.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.figures import command, out, show, tell

ROOT = Path(__file__).resolve().parents[2]
RUNS = {
    "ShopSmart": ("first-comparison", "03-shadow"),
    "an application of one's own": ("first-comparison-own", "your-own-monolith"),
}
SLOWEST = 5


def measure(mark: str, page: str) -> dict[str, Any]:
    """Run the guide up to the mark."""
    done = subprocess.run(
        [sys.executable, "-m", "guidebook", "run", "--json", "--committed", "--until", mark, page],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"the guide does not get to {mark}")
    (report,) = json.loads(done.stdout)["runs"]
    commands = [command for each in report["pages"] for command in each["commands"]]
    slowest = sorted(commands, key=lambda item: item["seconds"], reverse=True)[:SLOWEST]
    return {
        "seconds": report["marks"][mark],
        "commands": len(commands),
        "in_commands_s": round(sum(item["seconds"] for item in commands), 1),
        "slowest": [(item["command"], item["seconds"]) for item in slowest],
    }


def main() -> int:
    wanted = command(__doc__ or "").parse_args()
    result = {name: measure(*run) for name, run in RUNS.items()}
    show(
        "From git clone to the first comparison",
        ("", "seconds", "commands", "in commands s"),
        [
            (name, f"{run['seconds']:.0f}", str(run["commands"]), f"{run['in_commands_s']:.0f}")
            for name, run in result.items()
        ],
    )
    for name, run in result.items():
        for text, seconds in run["slowest"]:
            out.print(f"{name}: {seconds:6.1f} s  {text.splitlines()[0]}")
    tell(result, as_json=wanted.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
