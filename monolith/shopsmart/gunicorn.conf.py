"""How gunicorn runs the shop. It reads this file by itself when started beside it; flags win."""

import os
import signal
from typing import Any

bind = os.environ.get("BIND", "127.0.0.1:8100").split(",")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 8
# Longer than a proxy keeps an idle connection: the side that opens connections has to be the one
# that closes them, or now and then a request meets a socket that is just being closed.
keepalive = 75
accesslog = "-"
# A path is what was asked for: nobody in front may say by header that a part of it is a prefix.
forwarder_headers = ""
# Newer versions open a control socket at one path for all of a user's servers; nobody uses it here.
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Leave Ctrl-C to the master, which tells its workers.

    A terminal sends it to all of them. A worker that is told twice at the same moment may wait for a lock that it holds
    itself, and the end takes 30 seconds.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
