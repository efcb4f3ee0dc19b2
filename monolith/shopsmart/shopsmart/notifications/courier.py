"""Takes mails to the server right after the commit, on a thread of its own.

A request only wakes it, which takes microseconds, and can't be slowed or broken by what it meets.
It is a convenience: what it leaves undone, `manage.py send_mails` does. The thread ends when nothing
is due, and when the process wants to end it finishes the mail it has in hand and no other.
"""

import logging
import threading

from django.db import connections

from shopsmart.notifications.sending import send_queued

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_thread: threading.Thread | None = None
_is_asked = False


def wake() -> None:
    """Have the mails sent that are due; gives back at once."""
    global _thread, _is_asked
    with _lock:
        _is_asked = True
        if _thread is None or not _thread.is_alive():
            # No daemon: that would be cut off in the middle of a mail when the process ends.
            _thread = threading.Thread(target=_run, name="mails", daemon=False)
            _thread.start()


def _run() -> None:
    global _thread, _is_asked
    while True:
        with _lock:
            if not _is_asked or _is_ending():
                _thread = None
                return
            _is_asked = False
        try:
            run = send_queued(stop=_is_ending)
            if run.unreachable:
                logger.warning("The mail server can't be reached; mails wait: %s", run.unreachable)
        except Exception:
            # Such as a database that is gone. The rows are where they were.
            logger.exception("Mails were not sent.")
        finally:
            connections.close_all()


def _is_ending() -> bool:
    return not threading.main_thread().is_alive()
