"""TLS with clients: what they are shown, what they must speak, and that a cut stays visible."""

import asyncio
import contextlib
import socket
import ssl
import sys
from typing import Any

import pytest
from certificates import Authority
from waiting import until, within

from stranglerfig.server import handshake
from stranglerfig.tls.contexts import Shown, pass_over_bad_names

GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"


@pytest.fixture
async def proxy(start_upstream: Any, start_proxy: Any, secured: Any) -> Any:
    """A proxy with TLS before a plain upstream that tells what it saw."""
    return await secured.proxy(start_proxy, await start_upstream(), tls=None)


async def shake(proxy: Any, context: ssl.SSLContext, name: str = "shop.example") -> ssl.SSLObject:
    """Connect, and give what the handshake found out."""
    opening = asyncio.open_connection("127.0.0.1", proxy.port, ssl=context, server_hostname=name)
    _, writer = await within(opening)
    found: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    return found


async def test_an_upstream_is_told_of_https(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    upstream = await start_upstream()
    proxy = await secured.proxy(start_proxy, upstream, tls=None)
    client = await proxy.connect()
    answer = await client.get("/", "X-Forwarded-Proto: http", "X-Forwarded-Port: 80")
    assert answer.body == b"ok"
    headers = upstream.requests[0].headers
    assert headers[b"x-forwarded-proto"] == b"https"
    assert headers[b"x-forwarded-port"] == b"443"
    # The same connection goes on, and so does the word of it.
    await client.get("/again")
    assert upstream.requests[1].headers[b"x-forwarded-proto"] == b"https"


@pytest.mark.parametrize(
    ("lines", "proto"),
    [((), b"https"), (("X-Forwarded-Proto: http",), b"http"), (("X-Real-IP: 10.1.1.1",), b"https")],
)
async def test_a_trusted_proxy_knows_better_if_it_says_anything(
    start_upstream: Any, start_proxy: Any, secured: Any, lines: Any, proto: bytes
) -> None:
    upstream = await start_upstream()
    proxy = await secured.proxy(start_proxy, upstream, tls=None, trusted_proxies=["127.0.0.1"])
    await proxy.get("/", *lines)
    assert upstream.requests[0].headers[b"x-forwarded-proto"] == proto


async def test_cookies_are_secure(start_upstream: Any, start_proxy: Any, secured: Any) -> None:
    upstream = await start_upstream()
    capabilities = {
        "catalog": {"upstream": "s", "stage": "canary", "percent": 50, "routes": ["GET /**"]}
    }
    proxy = await secured.proxy(
        start_proxy, upstream, tls=None, capabilities=capabilities,
        upstreams={"s": f"http://127.0.0.1:{upstream.port}"},
    )  # fmt: skip
    [cookie] = (await proxy.get()).values(b"set-cookie")
    assert b"; Secure" in cookie


async def test_http_1_1_alone_is_offered(proxy: Any, secured: Any) -> None:
    context = secured.authority.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert (await shake(proxy, context)).selected_alpn_protocol() == "http/1.1"
    context.set_alpn_protocols(["h2"])
    assert (await shake(proxy, context)).selected_alpn_protocol() is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_are_spoken(proxy: Any, secured: Any, version: ssl.TLSVersion) -> None:
    context = proxy.context = secured.authority.trusting()
    context.minimum_version = context.maximum_version = version
    client = await proxy.connect()
    assert client.writer.get_extra_info("ssl_object").version() == version.name.replace("_", ".")
    assert (await within(client.get())).body == b"ok"
    assert (await within(client.get())).body == b"ok"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_an_old_version_is_refused(proxy: Any, secured: Any) -> None:
    context = secured.authority.trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")  # or the client would not even try
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|protocol version"):
        await shake(proxy, context)
    await until(lambda: proxy.counts("tls_handshakes_failed"))
    assert proxy.counts("tls_handshakes_failed") == {("version",): 1}
    assert (await proxy.get()).body == b"ok"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_that_refuses_us_is_counted(proxy: Any, version: ssl.TLSVersion) -> None:
    context = Authority("somebody else").trusting()
    context.minimum_version = context.maximum_version = version

    def connect() -> None:
        with (
            socket.create_connection(("127.0.0.1", proxy.port), 10) as raw,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(raw, server_hostname="shop.example")

    await asyncio.to_thread(connect)
    await until(lambda: proxy.counts("tls_handshakes_failed"))
    assert proxy.counts("tls_handshakes_failed") == {("refused",): 1}


async def test_a_client_without_a_common_cipher_is_counted(proxy: Any, secured: Any) -> None:
    context = secured.authority.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # the certificate has no key for it
    with pytest.raises(ssl.SSLError):
        await shake(proxy, context)
    await until(lambda: proxy.counts("tls_handshakes_failed"))
    assert proxy.counts("tls_handshakes_failed") == {("cipher",): 1}


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"\x00\x01\x02nothing of the kind", "no_tls"),
        (b"\x16\x03\x01\x00\x10" + b"x" * 16, "no_tls"),
    ],
)
async def test_what_is_neither_ends(proxy: Any, sent: bytes, reason: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(sent)
    with contextlib.suppress(ConnectionResetError):
        assert b"HTTP" not in await within(reader.read())
    writer.close()
    assert proxy.counts("tls_handshakes_failed") == {(reason,): 1}
    await until(lambda: proxy.plane.state()["connections"] == 0)


@pytest.mark.parametrize("body", [b"", b"x" * 300_000])
async def test_plain_http_gets_an_answer_that_can_be_read(proxy: Any, body: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(
        b"POST /secret HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    answer = await within(reader.read())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"https://" in answer
    writer.close()
    assert proxy.counts("refused_requests") == {("plain_http",): 1}
    assert proxy.counts("tls_handshakes_failed") == {("plain_http",): 1}
    await until(lambda: proxy.plane.state()["connections"] == 0)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"])
async def test_a_slow_handshake_is_cut(
    start_upstream: Any,
    start_proxy: Any,
    secured: Any,
    monkeypatch: pytest.MonkeyPatch,
    sent: bytes,
) -> None:
    monkeypatch.setattr(handshake, "HANDSHAKE_S", 0.2)
    proxy = await secured.proxy(start_proxy, await start_upstream(), tls=None)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(sent)
    with contextlib.suppress(ConnectionResetError):
        assert await within(reader.read()) == b""
    writer.close()
    assert proxy.counts("tls_handshakes_failed") == {("timeout",): 1}
    assert proxy.plane.state()["connections"] == 0


async def test_a_client_that_leaves_in_the_handshake_leaves_nothing(proxy: Any) -> None:
    hello = client_hello()
    for at in range(0, len(hello), 40):
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(hello[:at])
        await writer.drain()
        writer.close() if at % 80 else writer.transport.abort()
    await until(lambda: proxy.plane.state()["connections"] == 0)
    assert set(proxy.counts("tls_handshakes_failed")) == {("closed",)}
    assert (await proxy.get()).body == b"ok"


def client_hello() -> bytes:
    """The first bytes of an honest client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="a.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


# Which certificate


async def test_names_choose_among_several(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    shown = [
        secured.shown("shop.example"),
        secured.shown("b.example"),
        secured.shown("*.c.example"),
    ]
    proxy = await secured.proxy(start_proxy, await start_upstream(), tls=None, shown=shown)
    context = secured.authority.trusting()
    context.check_hostname = False
    for asked, got in {
        "shop.example": "shop.example",
        "B.example": "b.example",
        "x.c.example": "*.c.example",
        "x.y.c.example": "shop.example",
        "c.example": "shop.example",
        "unknown.example": "shop.example",
    }.items():
        found = (await shake(proxy, context, asked)).getpeercert()
        assert found is not None
        assert found["subjectAltName"] == (("DNS", got),), asked


async def test_a_name_that_is_not_ascii_is_refused_and_nothing_is_said_of_it(
    start_upstream: Any,
    start_proxy: Any,
    secured: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever can connect could write a traceback per handshake else; what else nobody caught is still said."""
    monkeypatch.setattr(sys, "unraisablehook", pass_over_bad_names)
    shown = [secured.shown("shop.example"), secured.shown("b.example")]
    proxy = await secured.proxy(start_proxy, await start_upstream(), tls=None, shown=shown)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(client_hello().replace(b"a.example", b"\xff.example"))
    with contextlib.suppress(ConnectionResetError):
        assert b"HTTP" not in await within(reader.read())
    writer.close()
    await until(lambda: proxy.counts("tls_handshakes_failed"))
    assert proxy.counts("tls_handshakes_failed") == {("other",): 1}
    assert (await proxy.get()).body == b"ok"
    assert capsys.readouterr().err == ""

    class Broken:
        def __del__(self) -> None:
            b"\xff".decode("ascii")

    Broken()
    assert "UnicodeDecodeError" in capsys.readouterr().err


async def test_a_renewed_certificate_is_for_new_connections(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    proxy = await secured.proxy(start_proxy, await start_upstream(), tls=None)
    before = await proxy.connect()
    assert (await within(before.get())).body == b"ok"
    proxy.plane.show([secured.shown("shop.example", "new.example")])
    context = secured.authority.trusting()
    found = (await shake(proxy, context)).getpeercert()
    assert found is not None
    assert ("DNS", "new.example") in found["subjectAltName"]
    # Who was connected before goes on with what it has seen.
    assert (await within(before.get())).body == b"ok"
    with pytest.raises(ssl.SSLError):
        proxy.plane.show([Shown("nothing", "nothing", ())])
    assert (await shake(proxy, context)).getpeercert() == found
    # Without any it speaks plainly again: the config says so.
    proxy.plane.show([])
    proxy.context = None
    assert (await within(proxy.get())).body == b"ok"
    assert (await within(before.get())).body == b"ok"


async def test_a_session_is_resumed(proxy: Any, secured: Any) -> None:
    context = secured.authority.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def connect(session: ssl.SSLSession | None) -> tuple[bool | None, ssl.SSLSession | None]:
        with (
            socket.create_connection(("127.0.0.1", proxy.port), 10) as raw,
            context.wrap_socket(raw, server_hostname="shop.example", session=session) as client,
        ):
            client.sendall(CLOSE)
            while client.recv(65536):
                pass
            return client.session_reused, client.session

    is_reused, session = await asyncio.to_thread(connect, None)
    assert not is_reused
    assert (await asyncio.to_thread(connect, session))[0]


# Ends


def receive(port: int, secured: Any, sent: bytes) -> tuple[bytes, Exception | None]:
    """What a blocking client gets that wants the end of TLS to be announced, and how it ends."""
    got = b""
    with (
        socket.create_connection(("127.0.0.1", port), 20) as raw,
        secured.authority.trusting().wrap_socket(
            raw, server_hostname="shop.example", suppress_ragged_eofs=False
        ) as client,
    ):
        client.sendall(sent)
        try:
            while data := client.recv(65536):
                got += data
        except OSError as error:
            return got, error
    return got, None


async def test_a_whole_answer_ends_with_an_announcement(proxy: Any, secured: Any) -> None:
    got, error = await asyncio.to_thread(receive, proxy.port, secured, CLOSE)
    assert got.endswith(b"\r\n\r\nok")
    assert error is None


CUT = {
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
}


@pytest.mark.parametrize("how", CUT)
async def test_a_cut_answer_ends_without_one(
    start_upstream: Any, start_proxy: Any, secured: Any, how: str
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(CUT[how])
        connection.close()

    proxy = await secured.proxy(start_proxy, await start_upstream(handle), tls=None)
    got, error = await asyncio.to_thread(receive, proxy.port, secured, GET)
    assert b"hel" in got
    assert isinstance(error, ssl.SSLEOFError)


async def test_an_answer_that_the_end_delimits_is_seen_as_cut(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
        await connection.reader.read(1)  # the client has its part
        connection.reset()

    upstream = await start_upstream(handle)
    proxy = await secured.proxy(start_proxy, upstream, tls=None)
    reading = asyncio.to_thread(
        receive, proxy.port, secured, b"GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n"
    )
    task = asyncio.ensure_future(reading)
    await until(lambda: upstream.opened)
    upstream.opened[0].reader.feed_data(b"x")
    got, error = await within(task)
    assert isinstance(error, ssl.SSLEOFError | ConnectionResetError), got


async def test_curl_sees_a_whole_answer_and_a_cut_one(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    async def handle(connection: Any) -> None:
        while (seen := await connection.request()) is not None:
            if seen.target == b"/whole":
                await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                continue
            await connection.send(CUT[seen.target[1:].decode()])
            connection.close()
            return

    proxy = await secured.proxy(start_proxy, await start_upstream(handle), tls=None)
    for path, code in {"whole": 0, "chunked": {18, 56}, "length": {18, 56}}.items():
        process = await asyncio.create_subprocess_exec(
            "curl", "-sS", "--http1.1", "--cacert", str(secured.ca),
            "--resolve", f"shop.example:{proxy.port}:127.0.0.1",
            f"https://shop.example:{proxy.port}/{path}",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await within(process.communicate(), 30)
        if code == 0:
            assert (process.returncode, out) == (0, b"ok"), err
        else:
            assert process.returncode in code, err


async def test_a_refused_upload_still_gets_its_answer(proxy: Any, secured: Any) -> None:
    # Twenty megabytes that nobody reads stand behind a head that is refused.
    sent = b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 20000000\r\n\r\n"

    def post() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", proxy.port), 20) as raw,
            secured.authority.trusting().wrap_socket(raw, server_hostname="shop.example") as client,
        ):
            client.sendall(sent)
            for _ in range(200):
                client.sendall(b"x" * 100_000)
            got = b""
            while data := client.recv(65536):
                got += data
            return got

    got = await within(asyncio.to_thread(post), 30)
    assert got.startswith(b"HTTP/1.1 400 ")
    await until(lambda: proxy.plane.state()["connections"] == 0)


async def test_draining_lets_a_handshake_that_has_begun_have_its_answer(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    proxy = await secured.proxy(start_proxy, await start_upstream(), tls=None)
    silent, silent_writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = secured.authority.trusting().wrap_bio(
        incoming, outgoing, server_hostname="shop.example"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    writer.write(hello[:10])
    await until(lambda: proxy.plane.state()["connections"] == 2)
    draining = asyncio.create_task(proxy.plane.drain(30))
    with contextlib.suppress(ConnectionResetError):
        assert await within(silent.read()) == b""  # it had said nothing, and is let go
    silent_writer.close()
    writer.write(hello[10:])
    while True:
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            incoming.write(await within(reader.read(65536)))
    client.write(GET)
    writer.write(outgoing.read())
    got = b""
    while not got.endswith(b"ok"):
        incoming.write(await within(reader.read(65536)))
        with contextlib.suppress(ssl.SSLWantReadError):
            while data := client.read(65536):
                got += data
    assert b"Connection: close" in got
    writer.close()
    await within(draining, 10)


async def test_who_has_yet_to_shake_hands_takes_a_place(
    start_upstream: Any, start_proxy: Any, secured: Any
) -> None:
    limits = {"connections_per_client": 1}
    upstream = await start_upstream()
    proxy = await secured.proxy(start_proxy, upstream, tls=None, limits=limits, workers=1)
    _, silent = await asyncio.open_connection("127.0.0.1", proxy.port)
    await until(lambda: proxy.plane.state()["connections"] == 1)
    refused = await within((await proxy.connect()).answer())
    assert refused.status in (429, 503)
    silent.close()
    await until(lambda: proxy.plane.state()["connections"] == 0)
    assert (await within(proxy.get())).body == b"ok"
