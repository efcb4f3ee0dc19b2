"""What the kernel knows of a connection, and its transport does not tell.

HTTP/1.1 puts no number on an answer: the next bytes on a connection are the answer to the next request, whoever they were
meant for. So an upstream that sends a second answer to one request would answer the next with it. Three looks at
the kernel tell such bytes apart, as far as anybody can:

1. Before a kept connection is used again nothing must wait to be read: what does is no answer to a request not yet sent.
2. The request is then given to the kernel at once, and not at the end of the loop's turn, in which more could come.
3. When the answer begins, the upstream's kernel must have acknowledged the whole request: what came before was on its
   way when the request was too.

What remains are bytes that the upstream sends when its kernel has the request and its program has not read it. All of
this is about TCP; what TLS adds is in ``securing.py``.
"""

import asyncio
import fcntl
import os
import select
import sys
import termios
from typing import Final

_HAS_OUTQ: Final = sys.platform == "linux"
_NOTHING: Final = bytes(4)
_unacknowledged = bytearray(4)  # written anew by each look
_NEWS: Final = select.POLLIN


class KernelView:
    """The kernel's side of ``transport``; must not be asked once that is closing, for the descriptor may be another's."""

    __slots__ = ("_poll", "_transport", "descriptor")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.descriptor: int = transport.get_extra_info("socket").fileno()
        self._poll = select.poll()
        self._poll.register(self.descriptor, _NEWS)

    def has_news(self) -> bool:
        """Whether bytes or the end of the connection wait to be read."""
        return bool(self._poll.poll(0))

    def has_spoken(self) -> bool:
        """Whether anything was said on a connection that is new."""
        return self.has_news()

    def send(self, data: bytes) -> None:
        """Give ``data`` to the kernel now; before it, nothing may wait in the transport, which takes what is left.

        Left to itself, a transport may wait for the end of the loop's turn: uvloop's does before 0.23.
        """
        try:
            sent = os.write(self.descriptor, data)
        except OSError:
            sent = 0  # the transport meets the same error, or waits
        if sent < len(data):
            self._transport.write(data[sent:])

    def has_delivered_all(self) -> bool:
        """Whether the other side's kernel has acknowledged all that ours was given."""
        if not _HAS_OUTQ:
            return True
        fcntl.ioctl(self.descriptor, termios.TIOCOUTQ, _unacknowledged)
        return _unacknowledged == _NOTHING
