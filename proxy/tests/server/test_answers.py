"""Each failure that a client can be told of has an answer, whole and well-formed."""

import json

import h11
import pytest

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.server.answers import error_answer


def read(data: bytes, method: str = "GET") -> tuple[h11.Response, bytes]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    response, body = connection.next_event(), b""
    assert isinstance(response, h11.Response)
    while isinstance(event := connection.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    return response, body


def head(method: str = "GET", accept: bytes = b"*/*", *, is_http_1_0: bool = False) -> RequestHead:
    made = RequestHead(method, b"/", is_http_1_0=is_http_1_0)
    made.kept.append((b"Accept", accept))
    return made


@pytest.mark.parametrize("failure", [failure for failure in Failure if failure.status is not None])
@pytest.mark.parametrize("asked", [None, head(), head(accept=b"application/json"), head("HEAD")])
def test_every_failure_has_a_well_formed_answer(
    failure: Failure, asked: RequestHead | None
) -> None:
    method = asked.method if asked is not None else "GET"
    data = error_answer(failure, asked, b"an-id", keep_alive=False)
    response, body = read(data, method)
    headers = dict(response.headers)
    assert response.status_code == failure.status
    assert headers[b"x-request-id"] == b"an-id"
    assert headers[b"connection"] == b"close"
    assert headers[b"cache-control"] == b"no-store"
    if method == "HEAD":
        assert body == b""
    elif headers[b"content-type"] == b"application/problem+json":
        assert json.loads(body)["status"] == failure.status
    else:
        assert failure.text.encode() in body


def test_the_connection_is_kept_where_it_can_be() -> None:
    kept = read(error_answer(Failure.NOT_FOUND, head(), b"i", keep_alive=True))[0]
    assert b"connection" not in dict(kept.headers)
    old = error_answer(Failure.NOT_FOUND, head(is_http_1_0=True), b"i", keep_alive=True)
    assert dict(read(old)[0].headers)[b"connection"] == b"keep-alive"
