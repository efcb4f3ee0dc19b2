"""How much of the proxy a corpus goes through: ``python -m fuzzing.reach FOLDER``, lines and branches by module, in JSON.

libFuzzer counts edges of all that is instrumented; this says of which modules, in figures that others can read.
"""

import json
import sys
import tempfile
from pathlib import Path

import coverage

MODULES = [
    "stranglerfig.http1",
    "stranglerfig.routing.path",
    "stranglerfig.signing",
    "stranglerfig.config",
    "stranglerfig.server.answer_stream",
]


def main() -> None:
    """Run each target on the inputs in ``FOLDER/<target>``."""
    measured = coverage.Coverage(branch=True, source_pkgs=MODULES, data_file=None, config_file=False)  # fmt: skip
    measured.start()
    from fuzzing.targets import TARGETS

    for name, target in TARGETS.items():
        for file in sorted((Path(sys.argv[1]) / name).glob("*")):
            target.check(file.read_bytes())
    measured.stop()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        measured.json_report(outfile=str(report))
        files = json.loads(report.read_text())["files"]
    for name, file in sorted(files.items()):
        said = file["summary"]
        if said["num_statements"]:
            module = name[name.rindex("stranglerfig/") :]
            branches = f"{said['covered_branches']}/{said['num_branches']}"
            print(f"{module:45} {said['covered_lines']:4}/{said['num_statements']:4} lines {branches:>8} branches")  # noqa: T201  # fmt: skip


if __name__ == "__main__":
    main()
