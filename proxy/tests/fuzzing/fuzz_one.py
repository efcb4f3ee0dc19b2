"""One target under atheris (libFuzzer for CPython): ``python -m fuzzing.fuzz_one [--plant BUG] TARGET [libFuzzer's options]``.

A process of its own, since libFuzzer ends the process that it runs in. What is instrumented guides it: our code, and the
strict reader, so that it looks for bytes that the two read in different ways.
"""

import shlex
import sys

import atheris

INSTRUMENTED = ["stranglerfig", "fuzzing.strict_reader"]


def main() -> None:
    """Fuzz until libFuzzer has had enough, or found something."""
    arguments = sys.argv[1:]
    planted = None
    if arguments[0] == "--plant":
        planted, arguments = arguments[1], arguments[2:]
    name, *options = arguments
    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzzing.planted import plant
        from fuzzing.targets import TARGETS
    if planted is not None:
        plant(planted)
    # libFuzzer starts itself again to minimise a corpus, by the shell, as its first argument says.
    again = shlex.join([sys.executable, "-m", "fuzzing.fuzz_one", name])
    atheris.Setup([again, *options], TARGETS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
