"""Who the client is, and what upstreams are told of it."""

import ipaddress

import pytest

from stranglerfig.http1.forwarded import Origin, PeerHeaders

TRUSTED = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]


def origin(
    peer: str, *forwarded: tuple[bytes, bytes], host: bytes | None = b"shop.example"
) -> Origin:
    return PeerHeaders(peer, TRUSTED).origin(forwarded, host, lambda: b"new-id")


def said(found: Origin) -> dict[bytes, bytes]:
    assert found.lines == b"".join(b"%b: %b\r\n" % header for header in found.headers)
    assert len(dict(found.headers)) == len(found.headers)
    return dict(found.headers)


PLAIN = {
    b"X-Forwarded-For": b"192.0.2.1",
    b"X-Forwarded-Proto": b"http",
    b"X-Forwarded-Host": b"shop.example",
    b"X-Forwarded-Port": b"80",
    b"X-Real-IP": b"192.0.2.1",
    b"X-Request-Id": b"new-id",
}
LIES = [
    (b"X-Forwarded-For", b"127.0.0.1"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Host", b"evil.example"),
    (b"X-Real-IP", b"127.0.0.1"),
    (b"X-Request-Id", b"chosen"),
    (b"Forwarded", b"for=127.0.0.1"),
    (b"X-Forwarded-Prefix", b"/evil"),
]


def test_a_stranger_is_believed_in_nothing() -> None:
    found = origin("192.0.2.1", *LIES)
    assert said(found) == PLAIN
    assert (found.address, found.https, found.request_id) == ("192.0.2.1", False, b"new-id")


def test_a_trusted_proxy_is_believed_and_added_to_the_chain() -> None:
    found = origin(
        "10.0.0.1",
        (b"x-forwarded-for", b"198.51.100.7"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", b"www.example"),
        (b"X-Request-Id", b"abc-1"),
        (b"X-Forwarded-Prefix", b"/shop"),
        (b"Forwarded", b"for=198.51.100.7"),
    )
    assert said(found) == {
        b"X-Forwarded-For": b"198.51.100.7, 10.0.0.1",
        b"X-Forwarded-Proto": b"https",
        b"X-Forwarded-Host": b"www.example",
        b"X-Forwarded-Port": b"443",
        b"X-Real-IP": b"198.51.100.7",
        b"X-Request-Id": b"abc-1",
        b"X-Forwarded-Prefix": b"/shop",
        b"Forwarded": b"for=198.51.100.7, for=10.0.0.1",
    }
    assert (found.address, found.https) == ("198.51.100.7", True)


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        (b"198.51.100.7", "198.51.100.7"),
        (b"1.1.1.1, 198.51.100.7", "198.51.100.7"),
        (b"1.1.1.1, 198.51.100.7, 10.1.1.1, 10.2.2.2", "198.51.100.7"),
        (b"10.1.1.1, 10.2.2.2", "10.1.1.1"),
        (b"198.51.100.7:4711", "198.51.100.7"),
        (b"[2001:db8::1]:4711", "2001:db8::1"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"::ffff:198.51.100.7", "198.51.100.7"),
        (b"198.51.100.7, unknown, 10.1.1.1", "10.1.1.1"),
        (b"unknown", "10.0.0.1"),
        (b"", "10.0.0.1"),
        (b", ,", "10.0.0.1"),
    ],
)
def test_the_client_is_the_right_most_address_that_is_not_trusted(
    chain: bytes, address: str
) -> None:
    assert origin("10.0.0.1", (b"X-Forwarded-For", chain)).address == address


def test_several_chains_are_read_as_one() -> None:
    found = origin("10.0.0.1", (b"X-Forwarded-For", b"1.1.1.1"), (b"X-Forwarded-For", b"10.9.9.9"))
    assert found.address == "1.1.1.1"
    assert said(found)[b"X-Forwarded-For"] == b"1.1.1.1, 10.9.9.9, 10.0.0.1"


@pytest.mark.parametrize(
    ("scope", "is_address"),
    [(b"eth0", True), (b'"x', False), (b"a b", False), (b"x" * 9000, False), (b"a%b", False)],
)
def test_no_address_has_anything_behind_it_but_an_interface(scope: bytes, is_address: bool) -> None:
    """It stands in the access log."""
    found = origin("10.0.0.1", (b"X-Forwarded-For", b"fe80::1%" + scope))
    assert (found.address == "fe80::1%" + scope.decode()) is is_address


@pytest.mark.parametrize("request_id", [b"", b"a b", b"a\r\nX: y", b"x" * 129, b"\xe9"])
def test_a_request_id_that_could_do_harm_is_replaced(request_id: bytes) -> None:
    assert origin("10.0.0.1", (b"X-Request-Id", request_id)).request_id == b"new-id"


@pytest.mark.parametrize(
    ("host", "port"),
    [
        (b"a:8000", b"8000"),
        (b"a", b"80"),
        (b"a:", b"80"),
        (b"[::1]:8000", b"8000"),
        (b"[::1]", b"80"),
        (None, b"80"),
    ],
)
def test_the_port_is_the_one_the_client_used(host: bytes | None, port: bytes) -> None:
    assert said(origin("192.0.2.1", host=host))[b"X-Forwarded-Port"] == port


def test_an_ipv4_client_on_an_ipv6_socket_is_named_by_its_ipv4_address() -> None:
    assert origin("::ffff:192.0.2.1").address == "192.0.2.1"
    assert origin("::ffff:10.0.0.1", (b"X-Forwarded-For", b"1.1.1.1")).address == "1.1.1.1"


def test_another_host_on_the_same_connection_is_told() -> None:
    peer = PeerHeaders("192.0.2.1", [])
    hosts = [
        dict(peer.origin((), host, lambda: b"i").headers).get(b"X-Forwarded-Host")
        for host in (b"a", b"b", None, b"b")
    ]
    assert hosts == [b"a", b"b", None, b"b"]
