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
    # Ctrl-C reaches the child, too, as it is in the same group; it answers, and we wait for that.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _pass_on(child))
    try:
        _, status = os.waitpid(child, 0)
    finally:
        end_all()
        signal.signal(signal.SIGINT, before)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _do(work: Callable[[], int]) -> int:
    """The child's whole life; gives its exit code."""
    end_with_parent()
    adopt_orphans()
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


def _pass_on(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGTERM)
