"""Targets, cookies, forwarded and signed headers: read as Django and gunicorn read them, and never believed from strangers."""

import hashlib
import hmac
import ipaddress
import posixpath
import re
from base64 import urlsafe_b64encode
from http.cookies import _unquote  # type: ignore[attr-defined]
from typing import Final
from urllib.parse import unquote_to_bytes

from fuzzing.strict_reader import State, read_requests
from stranglerfig.http1.cookies import last_cookie, without_cookies
from stranglerfig.http1.forwarded import PeerHeaders
from stranglerfig.http1.headers import Header
from stranglerfig.http1.request_head import OWN_COOKIES, RequestHead
from stranglerfig.http1.request_parser import RequestParser
from stranglerfig.routing.path import check_path, is_internal, wsgi_path
from stranglerfig.server.planning import verify_debug, verify_force
from stranglerfig.signing import Refusal, sign, verify
from stranglerfig.signing.force import read_force, write_force
from stranglerfig.signing.wrote import KEPT_S, MAX_SCOPES, Ignored, Wrote, read_wrote, write_wrote

KEY: Final = b"a key of the fuzzer's own"
NOW_S: Final = 1_800_000_000
PEERS: Final = ("192.0.2.7", "2001:db8::7", "10.0.0.1", "::ffff:10.0.0.1")
TRUSTED: Final = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))
_FIELD_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_REPLACED: Final = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port", b"x-real-ip", b"x-request-id", b"x-forwarded-host")  # fmt: skip


def check_target(data: bytes) -> None:
    """A target that goes on leads Django, and any web server before it, to the path that was routed."""
    target = data
    path = wsgi_path(target)
    path.encode()
    is_inside = is_internal(path)
    refusal = check_path(target, path)
    heads = [
        event
        for event in RequestParser().feed(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)
        if isinstance(event, RequestHead)
    ]
    if heads and target.startswith(b"/"):
        assert heads[0].target == target.split(b" ")[0]
    if refusal is not None or not target.startswith(b"/"):
        return
    assert path == django_path(target)
    assert not any(byte < 0x20 or byte > 0x7E for byte in target)
    # Nobody who merges slashes and resolves dots gets to our own pages either.
    if "\0" not in path:
        resolved = posixpath.normpath("/" + path.lstrip("/"))
        assert is_inside or not (resolved + "/").startswith("/_chassis/")


def django_path(target: bytes) -> str:
    """What Django behind a WSGI server has in request.path_info: its own code, on what PEP 3333 says."""
    from django.core.handlers.wsgi import get_path_info

    raw = unquote_to_bytes(target.split(b"?")[0])
    return str(get_path_info({"PATH_INFO": raw.decode("latin-1")}) or "/")


def check_cookies(data: bytes) -> None:
    """Django finds none of the proxy's cookies in what goes on, all others as they were; and we its value of ours."""
    if not _FIELD_VALUE.fullmatch(data):
        return  # no such header gets through the parser
    left = without_cookies(data, OWN_COOKIES)
    sent, kept = django_cookies(data), django_cookies(left)
    assert not {"fig_user", "fig_wrote"} & kept.keys()
    # What has no name to Django is "fig_user" alone, without "=": some servers take it for a name, so it goes.
    others = sent.keys() - {"", "fig_user", "fig_wrote"}
    assert {name: kept.get(name) for name in others} == {name: sent[name] for name in others}
    assert kept.keys() <= sent.keys()
    for name in OWN_COOKIES:
        ours, theirs = last_cookie(data, name), sent.get(name.decode())
        assert (ours is None) == (theirs is None)
        if ours is not None and ours.isascii():
            assert _unquote(ours.decode()) == theirs


def django_cookies(value: bytes) -> dict[str, str]:
    """What Django reads in a Cookie header: as UTF-8, and what is not is replaced."""
    from django.http.cookie import parse_cookie

    return dict(parse_cookie(value.decode("utf-8", "replace")))


def check_forwarded(data: bytes) -> None:
    """Nothing of a stranger's forwarded headers goes on, and no line is broken by a trusted proxy's."""
    peer = PEERS[data[0] % len(PEERS)] if data else PEERS[0]
    events = RequestParser().feed(b"GET / HTTP/1.1\r\nHost: a:8\r\n" + data[1:] + b"\r\n\r\n")
    for trusted in ((), TRUSTED):
        maker = PeerHeaders(peer, trusted)
        for event in events:
            if isinstance(event, RequestHead):
                check_origin(event, maker, peer)


def check_origin(head: RequestHead, maker: PeerHeaders, peer: str) -> None:
    new_id = b"f" * 32
    origin = maker.origin(head.forwarded, head.host, lambda: new_id)
    reading = read_requests(b"GET / HTTP/1.1\r\nHost: a\r\n" + origin.lines + b"\r\n")
    assert (reading.state, len(reading.messages)) == (State.BETWEEN, 1), "a broken line"
    headers: list[Header] = reading.messages[0].headers[1:]
    assert headers == [(name, value.strip(b" \t")) for name, value in origin.headers]
    said = {name.lower(): value for name, value in headers}
    chain = said[b"x-forwarded-for"].split(b",")
    plain_peer = peer.removeprefix("::ffff:").encode()
    assert chain[-1].strip() == plain_peer
    ipaddress.ip_address(origin.address)
    assert said[b"x-real-ip"].decode() == origin.address
    assert said[b"x-forwarded-proto"] == (b"https" if origin.https else b"http")
    names = [name.lower() for name, _ in headers]
    assert all(names.count(name) == 1 for name in _REPLACED if name in names)
    if not maker.is_trusted:
        assert set(names) == {*_REPLACED} - ({b"x-forwarded-host"} if head.host is None else set())
        assert (chain, origin.https, origin.request_id) == ([plain_peer], False, new_id)
        assert said.get(b"x-forwarded-host") == head.host


def check_signed(data: bytes) -> None:
    """Who does not hold the key is believed nothing; who does, what was signed, and no change of it."""
    text = data.decode("latin-1")
    # Whoever looks on while true ones are compared, as the fuzzer does, knows their signatures too.
    assert isinstance(read_wrote(text, KEY, NOW_S * 1000), Ignored) or is_signed(text)
    assert isinstance(verify("Fig-Force", text, KEY, NOW_S), Refusal)
    check_force(text)
    check_spliced_wrote(data)
    for event in RequestParser().feed(
        b"GET / HTTP/1.1\r\nHost: a\r\nFig-Force: %b\r\nFig-Debug: %b\r\n\r\n" % (data, data)
    ):
        if isinstance(event, RequestHead):
            assert not verify_force(event, KEY, NOW_S)
            assert not verify_debug(event, KEY, NOW_S)


def is_signed(wrote: str) -> bool:
    said, dot, signature = wrote.rpartition(".")
    message = f"fig_wrote\n{said}{dot}".encode("latin-1")
    digest = hmac.new(KEY, message, hashlib.sha256).digest()
    return signature == urlsafe_b64encode(digest[:16]).decode()[:22]


def check_force(payload: str) -> None:
    sides = read_force(payload)
    if sides is not None:
        assert read_force(write_force(sides)) == sides
    try:
        signed = sign("Fig-Force", payload, NOW_S + 60, KEY)
    except ValueError:
        return
    assert verify("fig-force", signed, KEY, NOW_S) == payload
    assert verify("Fig-Debug", signed, KEY, NOW_S) is Refusal.FORGED
    assert verify("Fig-Force", signed, KEY, NOW_S + 60) is Refusal.EXPIRED
    assert verify("Fig-Force", signed, b"another key", NOW_S) is Refusal.FORGED


def check_spliced_wrote(data: bytes) -> None:
    """A true fig_wrote with some of its bytes taken from ``data``; the first two bytes say which."""
    true = write_wrote({"abcdefgh": Wrote("m", NOW_S * 1000)}, KEY)
    believed = read_wrote(true, KEY, NOW_S * 1000)
    assert believed == {"abcdefgh": Wrote("m", NOW_S * 1000)}
    if len(data) < 2:
        return
    at, size = data[0] % len(true), data[1] % len(true)
    changed = true[:at] + data[2:].decode("latin-1") + true[at + size :]
    read = read_wrote(changed, KEY, NOW_S * 1000)
    assert isinstance(read, Ignored) == (changed != true)
    scopes = {f"{number:08d}": Wrote("s", NOW_S * 1000 - byte) for number, byte in enumerate(data)}
    again = read_wrote(write_wrote(scopes, KEY), KEY, NOW_S * 1000)
    assert not isinstance(again, Ignored)
    assert len(again) == min(len(scopes), MAX_SCOPES)
    assert again.items() <= scopes.items()
    assert read_wrote(true, KEY, (NOW_S + KEPT_S + 1) * 1000) is Ignored.EXPIRED
