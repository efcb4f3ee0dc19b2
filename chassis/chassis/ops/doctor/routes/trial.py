"""Run as a program by `Trials`: searches texts with expressions, and ends itself when one takes too long.

`re` gives nobody a turn while it searches, no signal handler and no other thread of Python; the watchdog of
`faulthandler` needs none.
"""

import faulthandler
import json
import os
import re
import sys
import time
from pathlib import Path


def main() -> None:
    """For each line (expression, flags, text, whether all of it, seconds) one with the seconds that it took."""
    known: dict[tuple[str, int], re.Pattern[str]] = {}
    with Path(os.devnull).open("w") as nowhere:
        for line in sys.stdin:
            expression, flags, text, is_full, seconds = json.loads(line)
            regex = known.setdefault((expression, flags), re.compile(expression, flags))
            faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
            began = time.perf_counter()
            regex.fullmatch(text) if is_full else regex.search(text)
            took = time.perf_counter() - began
            faulthandler.cancel_dump_traceback_later()
            sys.stdout.write(f"{took}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
