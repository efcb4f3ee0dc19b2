"""Everything that can go wrong with one exchange: whose fault it was, in which phase, and what the client is told.

One closed list, so that a test can walk it. ``status`` is what the client gets if nothing of an answer was sent yet;
None means that nobody is left to be told. The texts are for strangers and say nothing about what is behind the proxy.
"""

from enum import Enum, StrEnum


class Side(StrEnum):
    """Whose fault it was."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    PROXY = "proxy"


class Phase(StrEnum):
    """What was going on."""

    CONNECT = "connect"
    SEND = "send"  # the request's body on its way
    HEAD = "head"  # of the side whose fault it was: the request's or the answer's
    BODY = "body"


class Failure(Enum):
    """One way an exchange fails. The name in lower case is its ``kind`` in metrics and logs."""

    MALFORMED_HEAD = (Side.CLIENT, Phase.HEAD, 400, "The request is not well-formed HTTP.")
    BAD_TARGET = (Side.CLIENT, Phase.HEAD, 400, "The request target is not acceptable.")
    BAD_PATH = (Side.CLIENT, Phase.HEAD, 400, "The path holds something that servers disagree on.")
    BAD_HOST = (Side.CLIENT, Phase.HEAD, 400, "Exactly one well-formed Host is required.")
    BAD_FRAMING = (
        Side.CLIENT,
        Phase.HEAD,
        400,
        "Content-Length or Transfer-Encoding is wrong or ambiguous.",
    )
    BAD_CONNECTION = (
        Side.CLIENT,
        Phase.HEAD,
        400,
        "The Connection header names a header that it must not.",
    )
    BAD_BODY = (Side.CLIENT, Phase.BODY, 400, "The request body is not well-formed.")
    NOT_FOUND = (Side.CLIENT, Phase.HEAD, 404, "There is nothing here.")
    HEAD_TIMEOUT = (Side.CLIENT, Phase.HEAD, 408, "The request took too long to arrive.")
    BODY_TIMEOUT = (Side.CLIENT, Phase.BODY, 408, "The request body took too long to arrive.")
    BODY_TOO_SLOW = (Side.CLIENT, Phase.BODY, 408, "The request body came too slowly.")
    BODY_TOO_LARGE = (Side.CLIENT, Phase.BODY, 413, "The request body is larger than is taken.")
    RATE_EXCEEDED = (Side.CLIENT, Phase.HEAD, 429, "Too many requests came from this address.")
    CLIENT_CONNECTIONS_FULL = (
        Side.CLIENT,
        Phase.CONNECT,
        429,
        "Too many connections from this address are open.",
    )
    HEAD_TOO_LARGE = (Side.CLIENT, Phase.HEAD, 431, "The request's headers are too large.")
    TOO_MANY_HEADERS = (Side.CLIENT, Phase.HEAD, 431, "The request has too many headers.")
    BAD_METHOD = (Side.CLIENT, Phase.HEAD, 501, "The method is not supported.")
    BAD_CODING = (Side.CLIENT, Phase.HEAD, 501, "The transfer coding is not supported.")
    BAD_VERSION = (Side.CLIENT, Phase.HEAD, 505, "HTTP/1.1 and HTTP/1.0 are supported.")
    CLIENT_STALLED = (Side.CLIENT, Phase.BODY, None, "The client took its answer too slowly.")

    CONNECT_FAILED = (Side.UPSTREAM, Phase.CONNECT, 502, "The server could not be reached.")
    CONNECT_TIMEOUT = (
        Side.UPSTREAM,
        Phase.CONNECT,
        504,
        "The server could not be reached in time.",
    )
    SEND_FAILED = (Side.UPSTREAM, Phase.SEND, 502, "The server did not take the request.")
    SEND_TIMEOUT = (Side.UPSTREAM, Phase.SEND, 504, "The server did not take the request in time.")
    CLOSED_EARLY = (Side.UPSTREAM, Phase.HEAD, 502, "The server gave no answer.")
    RESPONSE_TIMEOUT = (Side.UPSTREAM, Phase.HEAD, 504, "The server did not answer in time.")
    BAD_RESPONSE = (Side.UPSTREAM, Phase.HEAD, 502, "The server gave an unusable answer.")
    UNASKED_RESPONSE = (
        Side.UPSTREAM,
        Phase.HEAD,
        502,
        "The server answered before it was asked.",
    )
    # After the head went out the client can only be shown that the answer was cut.
    CUT_RESPONSE = (Side.UPSTREAM, Phase.BODY, 502, "The server's answer was cut.")
    BODY_STALLED = (Side.UPSTREAM, Phase.BODY, 504, "The server's answer stopped coming.")
    BODY_OVER_CAP = (Side.UPSTREAM, Phase.BODY, 502, "The server's answer is too large.")

    CONNECTIONS_FULL = (Side.PROXY, Phase.CONNECT, 503, "Too many connections are open. Try again.")
    REQUESTS_FULL = (Side.PROXY, Phase.HEAD, 503, "Too many requests are under way. Try again.")
    OVERLOADED = (Side.PROXY, Phase.HEAD, 503, "There is more to do than can be done. Try again.")
    PROXY_ERROR = (Side.PROXY, Phase.HEAD, 503, "The proxy failed. Try again.")

    def __init__(self, side: Side, phase: Phase, status: int | None, text: str) -> None:
        self.side = side
        self.phase = phase
        self.status = status
        self.text = text

    @property
    def kind(self) -> str:
        """The name in metrics and logs."""
        return self.name.lower()


class ClientError(Exception):
    """A client's request must not go on, and nothing after it may be served."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(detail or failure.text)
        self.failure = failure
        self.detail = detail


class UpstreamError(Exception):
    """An upstream gave no whole answer. ``failure`` says in which phase, and how."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(f"{failure.kind}: {detail or failure.text}")
        self.failure = failure
        self.detail = detail

    @property
    def phase(self) -> Phase:
        """Which phase failed: connect, send, head or body."""
        return self.failure.phase
