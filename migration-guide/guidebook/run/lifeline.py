"""Work that is done in a child, so that its parent ends everything it started even if the child is killed."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable

from guidebook.terminal.processes import adopt_orphans, end_all, end_with_parent


def outlived(work: Callable[[], int]) -> int:
    """Do the work in a child and give its exit code. Whatever it leaves running is ended before.

    If this process is killed, the child is told, and cleans up by itself. Must be called while there are no threads.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    adopt_orphans()
    child = os.fork()
    if child == 0:
        os._exit(_do(work))

    def pass_on(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    before = {number: signal.signal(number, pass_on) for number in _heard()}
    try:
        _, status = os.waitpid(child, 0)
        end_all()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _heard() -> set[signal.Signals]:
    """What tells us to end. Who started us with `nohup` wants us to outlive the terminal."""
    outlives = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return {signal.SIGINT, signal.SIGTERM} | (set() if outlives else {signal.SIGHUP})


def _leave(number: int, _: object) -> None:
    """End, and be deaf from then on: a terminal that is closed says it twice, which would interrupt the cleaning up."""
    for one in _heard() - {signal.SIGINT}:
        signal.signal(one, lambda *_: None)
    sys.exit(128 + number)


def _do(work: Callable[[], int]) -> int:
    """The child's whole life; gives its exit code."""
    # A group of its own: a Ctrl-C is for the parent, which passes it on. Twice would interrupt the cleaning up.
    os.setpgid(0, 0)
    end_with_parent()
    adopt_orphans()
    for number in _heard() - {signal.SIGINT}:
        signal.signal(number, _leave)
    try:
        return work()
    except KeyboardInterrupt:
        return 130
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 2
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
