"""A server whose socket is bound here and inherited, on a port that the kernel chooses and a restart keeps."""

import errno
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from stack.process import Process

FREE_WITHIN_S = 10.0


class Listening(Process):
    """Tell it by `words_for` how this server is told the descriptor."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._port = 0
        super().__init__(*arguments, **options)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def words_for(self, descriptor: int) -> list[str]:
        """What is added to its command line."""
        raise NotImplementedError

    def _start(
        self, arguments: Sequence[str], pass_fds: Sequence[int] = ()
    ) -> "subprocess.Popen[bytes]":
        # So no other process can take the port in between. Our copy is closed: when the server is gone, connections are
        # refused; until it accepts, they wait in the kernel.
        with self._bind() as listener:
            self._port = listener.getsockname()[1]
            words = self.words_for(listener.fileno())
            return super()._start([*arguments, *words], [*pass_fds, listener.fileno()])

    def _bind(self) -> socket.socket:
        """What was killed a moment ago may hold the port a little longer."""
        deadline = time.monotonic() + FREE_WITHIN_S
        while True:
            try:
                return socket.create_server(("127.0.0.1", self._port), backlog=512)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)
