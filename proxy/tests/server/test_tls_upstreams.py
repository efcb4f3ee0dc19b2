"""TLS to upstreams: verified, or there is no answer; what is kept is kept as safely as without."""

import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import structlog
from certificates import Authority, serving
from waiting import settled, until, within

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def failure(proxy: Any) -> str:
    """What the log says of the one request that fails."""
    with structlog.testing.capture_logs() as lines:
        answer = await within(proxy.get())
    assert answer.status == 502
    [said] = [line for line in lines if line["event"] == "upstream_failed"]
    assert (said["kind"], said["phase"]) == ("tls_failed", "connect")
    assert proxy.counts("errors") == {("tls_failed", "connect", "monolith"): 1}
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 0)
    return str(said["detail"])


async def test_a_verified_upstream_answers_and_its_connection_is_kept(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    upstream = await start_upstream(context=secured.serving("127.0.0.1"))
    proxy = await start_proxy(upstream, tls={"ca": str(secured.ca)})
    for _ in range(3):
        assert (await within(proxy.get())).body == b"ok"
    assert upstream.connections == 1
    assert (
        upstream.requests[0].headers[b"host"] == b"shop.example"
    )  # the client's, whoever is verified


async def test_an_authority_nobody_knows_is_not_believed(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    upstream = await start_upstream(context=secured.serving("127.0.0.1"))
    detail = await failure(await start_proxy(upstream, tls={}))
    assert "the system does not know who signed it" in detail
    assert "tls.ca" in detail
    assert upstream.requests == []


async def test_another_authority_than_the_one_named_is_not_believed(
    start_upstream: Any, start_proxy: Any, secured: Any, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_text(Authority("somebody else").pem)
    upstream = await start_upstream(context=secured.serving("127.0.0.1"))
    assert f"{other} is not who signed it" in await failure(
        await start_proxy(upstream, tls={"ca": str(other)})
    )


async def test_the_name_must_be_the_one_in_the_url_or_the_one_named(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    upstream = await start_upstream(context=secured.serving("shop.internal"))
    tls = {"ca": str(secured.ca)}
    detail = await failure(await start_proxy(upstream, tls=tls))
    assert "not for 127.0.0.1" in detail
    assert "tls.server_name" in detail
    proxy = await start_proxy(upstream, tls={**tls, "server_name": "shop.internal"})
    assert (await within(proxy.get())).body == b"ok"


async def test_the_name_is_asked_for(start_upstream: Any, start_proxy: Any, secured: Any) -> None:
    asked = []
    context = secured.serving("shop.internal")
    context.sni_callback = lambda _, name, __: asked.append(name)
    upstream = await start_upstream(context=context)
    tls = {"ca": str(secured.ca), "server_name": "shop.internal"}
    await within((await start_proxy(upstream, tls=tls)).get())
    assert asked == ["shop.internal"]


@pytest.mark.parametrize(("begins", "words"), [(-40, "expired"), (5, "not yet valid")])
async def test_the_time_must_be_right(
    start_upstream: Any, start_proxy: Any, secured: Any, begins: float, words: str
) -> None:
    upstream = await start_upstream(context=secured.serving("127.0.0.1", begins=begins))
    detail = await failure(await start_proxy(upstream, tls={"ca": str(secured.ca)}))
    assert words in detail


async def test_an_intermediate_may_be_believed_alone(
    start_upstream: Any, start_proxy: Any, tmp_path: Path
) -> None:
    between = Authority("between", above=Authority("above"))
    ca = tmp_path / "between.pem"
    ca.write_text(between.pem)
    context = serving(tmp_path, between.sign("127.0.0.1"))
    proxy = await start_proxy(await start_upstream(context=context), tls={"ca": str(ca)})
    assert (await within(proxy.get())).body == b"ok"


async def test_whoever_is_believed_where_the_config_says_so(
    start_upstream: Any, start_proxy: Any, tmp_path: Path
) -> None:
    context = serving(tmp_path, Authority("unknown").sign("nowhere.example", begins=-40))
    tls = {"insecure_accept_any_certificate": True}
    proxy = await start_proxy(await start_upstream(context=context), tls=tls)
    assert (await within(proxy.get())).body == b"ok"


async def test_our_own_certificate_is_shown_to_who_asks(
    start_upstream: Any, start_proxy: Any, secured: Any, tmp_path: Path
) -> None:
    context = secured.serving("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=secured.authority.pem)
    upstream = await start_upstream(context=context)
    tls = {"ca": str(secured.ca)}
    proxy = await start_proxy(upstream, tls=tls)
    assert (await within(proxy.get())).status == 502
    certificate, key = secured.authority.sign("fig").write(tmp_path, "fig")
    tls |= {"certificate": str(certificate), "key": str(key)}
    proxy = await start_proxy(upstream, tls=tls)
    assert (await within(proxy.get())).body == b"ok"


async def test_files_that_are_not_there_are_told(start_upstream: Any, start_proxy: Any, secured: Any, tmp_path: Path) -> None:  # fmt: skip
    upstream = await start_upstream(context=secured.serving("127.0.0.1"))
    proxy = await start_proxy(upstream, tls={"ca": str(tmp_path / "gone.pem")})
    assert "gone.pem is not there" in await failure(proxy)
    assert upstream.requests == []


async def test_an_upstream_that_speaks_plainly(start_upstream: Any, start_proxy: Any) -> None:
    async def handle(connection: Any) -> None:
        await connection.reader.read(1)
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    detail = await failure(await start_proxy(await start_upstream(handle), tls={}))
    assert "does not speak TLS" in detail
    assert "http://" in detail


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_an_upstream_that_hangs_up_in_the_handshake(
    start_upstream: Any, start_proxy: Any, how: str
) -> None:
    async def handle(connection: Any) -> None:
        await connection.reader.read(1)
        getattr(connection, how)()

    await failure(await start_proxy(await start_upstream(handle), tls={}))


async def test_an_upstream_that_is_silent_in_the_handshake(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.reader.read()

    timeouts = {"connect": "200ms", "response": "5s", "idle": "5s"}
    proxy = await start_proxy(await start_upstream(handle), tls={}, timeouts=timeouts)
    assert (await within(proxy.get())).status == 504
    assert proxy.counts("errors") == {("connect_timeout", "connect", "monolith"): 1}
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 0)


async def test_one_that_is_silent_in_the_handshake_leaves_time_for_another(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.reader.read()

    silent = await start_upstream(handle)
    good = await start_upstream(context=secured.serving("127.0.0.1"))
    written = {
        "urls": [f"https://127.0.0.1:{each.port}" for each in (silent, good)],
        "tls": {"ca": str(secured.ca)},
        "timeouts": {"connect": "1s", "response": "5s", "idle": "5s"},
        "retries": {"attempts": 0},
    }
    proxy = await start_proxy(silent, upstreams={"monolith": written})
    assert [(await within(proxy.get())).status for _ in range(3)] == [200] * 3


async def test_a_client_that_leaves_in_the_handshake_ends_it(
    start_upstream: Any, start_proxy: Any
) -> None:
    gone, begun = asyncio.Event(), asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.reader.read(1)
        begun.set()
        await connection.reader.read()
        gone.set()

    proxy = await start_proxy(
        await start_upstream(handle), tls={}, timeouts={"connect": "30s", "response": "30s"}
    )
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(begun.wait())
    client.close()
    await within(gone.wait())
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 0)


async def test_https_is_not_mixed_up_with_http_at_the_same_place(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    """Two names for one address: what is verified for one is not used by the other, who believes nobody."""
    upstream = await start_upstream(context=secured.serving("127.0.0.1"))
    url = f"https://127.0.0.1:{upstream.port}"
    proxy = await start_proxy(
        upstream, tls={"ca": str(secured.ca)},
        upstreams={"strict": {"url": url, "timeouts": {"connect": "1s"}}},
        capabilities={"c": {"upstream": "strict", "stage": "service", "routes": ["GET /c"]}},
    )  # fmt: skip
    assert (await within(proxy.get("/"))).status == 200
    assert (await within(proxy.get("/c"))).status == 502
    assert (await within(proxy.get("/"))).status == 200


# What an end means


async def test_an_end_without_announcement_cuts_what_it_delimits(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\nwhole or half")
        if connection.number == 1:
            # Only the socket below is closed: TLS says nothing.
            known = connection.writer.get_extra_info("socket")
            with socket.socket(fileno=os.dup(known.fileno())) as below:
                below.shutdown(socket.SHUT_WR)
            await connection.reader.read()

    upstream = await start_upstream(handle, secured.serving("127.0.0.1"))
    proxy = await start_proxy(upstream, tls={"ca": str(secured.ca)})
    got = await within(proxy.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert not got.endswith(b"0\r\n\r\n")
    assert proxy.counts("errors") == {("cut_response", "body", "monolith"): 1}
    # With it, it is the end.
    assert (await within(proxy.get())).body == b"whole or half"


async def test_a_whole_answer_needs_no_announcement(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(OK)
        connection.reset()

    upstream = await start_upstream(handle, secured.serving("127.0.0.1"))
    proxy = await start_proxy(upstream, tls={"ca": str(secured.ca)})
    for _ in range(3):
        assert (await within(proxy.get())).body == b"ok"


async def test_the_last_words_of_who_hangs_up_on_an_upload_are_heard(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        connection.close()

    upstream = await start_upstream(handle, secured.serving("127.0.0.1"))
    proxy = await start_proxy(upstream, tls={"ca": str(secured.ca)})
    for _ in range(5):
        client = await proxy.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n")
        pouring = asyncio.create_task(pour(client))
        assert (await within(client.answer("POST"))).status == 413
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)


async def pour(client: Any) -> None:
    for _ in range(200):
        client.send(b"x" * 100_000)
        await client.writer.drain()


# Much


@pytest.mark.slow
async def test_large_bodies_go_both_ways(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    async def handle(connection: Any) -> None:
        seen = await connection.request()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
        await connection.send(head % len(seen.body) + seen.body)

    upstream = await start_upstream(handle, secured.serving("127.0.0.1"))
    proxy = await secured.proxy(start_proxy, upstream)
    client = await proxy.connect()
    body = os.urandom(20_000_000)
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert (await within(client.answer("POST"), 60)).body == body


async def test_a_slow_reader_slows_the_sender(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    sent = 0

    async def handle(connection: Any) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            await connection.send(b"x" * 65536)
            sent += 65536

    upstream = await start_upstream(handle, secured.serving("127.0.0.1"))
    proxy = await secured.proxy(start_proxy, upstream)
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(client.until(b"\r\n\r\n"))
    client.writer.transport.pause_reading()
    await settled(lambda: sent)
    assert 0 < sent < 100_000_000  # what the kernel holds on two connections, and never the whole
    [session] = proxy.plane._runtime.sessions
    assert session._transport.get_write_buffer_size() < 1_000_000
    client.writer.transport.abort()
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 0)
