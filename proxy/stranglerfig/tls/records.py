"""Where TLS records end: OpenSSL keeps half a record to itself, and does not tell."""


class Records:
    """Follows one direction of a connection (RFC 8446, 5.1: type, version, length, and so many bytes)."""

    __slots__ = ("_header", "_missing")

    def __init__(self) -> None:
        self._header = b""
        self._missing = 0

    @property
    def is_between(self) -> bool:
        """Whether what came so far ends where a record does."""
        return not self._missing and not self._header

    def follow(self, data: bytes) -> None:
        """Take notice of the next bytes."""
        at, end = 0, len(data)
        while at < end:
            if self._missing:
                step = min(self._missing, end - at)
                self._missing -= step
                at += step
                continue
            piece = data[at : at + 5 - len(self._header)]
            self._header += piece
            at += len(piece)
            if len(self._header) == 5:
                self._missing = int.from_bytes(self._header[3:], "big")
                self._header = b""
