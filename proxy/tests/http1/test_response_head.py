"""What of an answer's head goes on to the client."""

import pytest

from stranglerfig.http1.response_head import ResponseHead


@pytest.mark.parametrize(
    ("status", "length", "goes_on"),
    [
        (103, b"5", False),
        (100, b"7", False),
        (204, b"5", False),
        (204, b"0", True),  # as Django sends it; it misleads nobody
        (304, b"5", True),  # the length that a 200 would have (RFC 9110 section 8.6)
        (200, b"5", True),
    ],
)
def test_a_length_that_announces_a_body_that_never_comes_stays_behind(
    status: int, length: bytes, goes_on: bool
) -> None:
    headers = [(b"Link", b"</a>"), (b"content-Length", length), (b"X-Last", b"1")]
    kept = ResponseHead(status, b"", headers).kept
    assert kept == (headers if goes_on else [headers[0], headers[2]])
