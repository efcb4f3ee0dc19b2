"""Serves the test project on an inherited socket, with a thread per connection."""

import socket
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from tests.wsgi import application


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    server = Server(("127.0.0.1", 0), Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=int(sys.argv[1]))
    server.server_name, server.server_port = "localhost", server.socket.getsockname()[1]
    server.setup_environ()
    server.set_app(application)
    server.serve_forever()


if __name__ == "__main__":
    main()
