"""How gunicorn runs the shop. It reads this file by itself when started beside it; flags win."""

import os

bind = os.environ.get("BIND", "127.0.0.1:8100")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 8
# Longer than a proxy keeps an idle connection: the side that opens connections has to be the one
# that closes them, or now and then a request meets a socket that is just being closed.
keepalive = 75
accesslog = "-"
# Newer versions open a control socket at one path for all of a user's servers; nobody uses it here.
control_socket_disable = True
