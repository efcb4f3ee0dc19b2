"""Which trace an upstream, an observation and a log line are told of."""

import json
import socket
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.compare.intake import Intake
from stranglerfig.compare.observation import Observation

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = (f"traceparent: 00-{ID}-00f067aa0ba902b7-01", "tracestate: shop=1")
LOOPBACK = {"trusted_proxies": ["127.0.0.1"]}


async def test_a_request_without_a_trace_gets_one_called_as_itself(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    await proxy.get("/")
    (seen,) = upstream.requests
    request_id = seen.headers[b"x-request-id"]
    assert seen.headers[b"traceparent"] == b"00-%b-%b-03" % (request_id, request_id[:16])
    assert b"tracestate" not in seen.headers


@pytest.mark.parametrize(
    ("config", "goes_on"),
    [({}, False), (LOOPBACK, True), ({"trace_context": "anyone"}, True)],
)
async def test_a_trace_goes_on_where_it_is_believed(
    start_upstream: Any, start_proxy: Any, config: dict[str, Any], goes_on: bool
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, **config)
    await proxy.get("/", *SENT)
    (seen,) = upstream.requests
    if goes_on:
        assert seen.headers[b"traceparent"] == SENT[0].partition(": ")[2].encode()
        assert seen.headers[b"tracestate"] == b"shop=1"
        assert proxy.counts("dropped_headers") == {}
    else:
        assert ID.encode() not in seen.raw
        assert b"tracestate" not in seen.headers
        assert proxy.counts("dropped_headers") == {("untrusted_trace",): 2}


async def test_what_is_malformed_is_counted(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, **LOOPBACK)
    await proxy.get("/", SENT[0], SENT[0])
    assert len(upstream.requests[0].values(b"traceparent")) == 1
    assert proxy.counts("dropped_headers") == {("malformed_trace",): 2}


async def test_off_passes_both_headers_unread(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, trace_context="off")
    await proxy.get("/", "TraceParent: what", "tracestate: ever")
    await proxy.get("/")
    first, second = upstream.requests
    assert (b"TraceParent", b"what") in first.raw_headers
    assert first.headers[b"tracestate"] == b"ever"
    assert b"traceparent" not in second.headers


async def test_a_trace_that_connection_names_does_not_go_on(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, **LOOPBACK)
    await proxy.get("/", *SENT, "Connection: traceparent, tracestate")
    assert ID.encode() not in upstream.requests[0].raw


async def test_an_observation_holds_the_headers_that_the_upstream_got(
    start_upstream: Any, start_proxy: Any, tmp_path: Any
) -> None:
    upstream, candidate = await start_upstream(), await start_upstream()
    came: list[Observation] = []
    intake = Intake(str(tmp_path / "comparer.sock"), lambda _: None, came.append)
    await intake.start()
    proxy = await start_proxy(
        upstream,
        upstreams={"catalog": f"http://127.0.0.1:{candidate.port}"},
        capabilities={"catalog": {"upstream": "catalog", "stage": "shadow", "routes": ["GET /**"]}},
        **LOOPBACK,
    )
    tee = proxy.plane._runtime.tee
    tee.start()
    await until(lambda: tee.is_connected)
    await proxy.get("/", *SENT)
    await until(lambda: came)
    headers = dict(came[0].request.headers)
    assert headers[b"traceparent"] == upstream.requests[0].headers[b"traceparent"]
    assert headers[b"tracestate"] == b"shop=1"
    await tee.close()
    await intake.stop(1)


async def test_the_line_of_a_failure_names_the_trace(
    start_proxy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    proxy = await start_proxy(port, **LOOPBACK)
    assert (await within(proxy.get("/", *SENT))).status == 502
    told = capsys.readouterr()
    assert f"trace_id={ID}" in told.out + told.err or json.dumps(ID) in told.out + told.err
