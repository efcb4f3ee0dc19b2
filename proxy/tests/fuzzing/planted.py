"""Bugs put in on purpose, so that a search that finds nothing can be told from one that can't find anything."""

from typing import Any, Final

import httptools

from stranglerfig.http1 import headers, request_head, request_parser, response_parser


class _LenientParser(httptools.HttpRequestParser):  # type: ignore[misc]
    """llhttp as it is where both a length and a coding are taken."""

    def __init__(self, protocol: object) -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_chunked_length=True)


def _without_framing_check(
    method: str, target: bytes, received: list[headers.Header], *, is_http_1_0: bool
) -> request_head.RequestHead:
    is_coded = any(name.lower() == b"transfer-encoding" for name, _ in received)
    lengths = [each for each in received if is_coded and each[0].lower() == b"content-length"]
    others = [each for each in received if each not in lengths]
    head = request_head.read_request_head(method, target, others, is_http_1_0=is_http_1_0)
    for length in lengths:
        head.content_length = headers.read_length(length[1])
        head.kept.append(length)
    return head


# Each by what is replaced by what.
Replacement = tuple[Any, str, Any]
BUGS: Final[dict[str, list[Replacement]]] = {
    # A request with Content-Length and Transfer-Encoding goes on with both.
    "length_beside_coding": [
        (request_parser, "HttpRequestParser", _LenientParser),
        (request_parser, "read_request_head", _without_framing_check),
    ],
    # X_Forwarded_For, which WSGI takes for X-Forwarded-For, goes on.
    "folded_names": [
        (
            request_head,
            "_READERS",
            {**request_head._READERS, headers.Meaning.FOLDED: request_head._keep},
        )
    ],
    # A connection with bytes behind the answer's end is used again.
    "surplus_bytes": [(response_parser.ResponseParser, "_poison", lambda self: None)],
}


def plant(name: str) -> None:
    """Put the bug ``name`` into this process, for good."""
    for place, attribute, value in BUGS[name]:
        setattr(place, attribute, value)
