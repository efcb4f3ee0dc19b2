"""Which request headers go on, which are taken out, and which count as one of the proxy's own."""

import pytest

from stranglerfig.http1.request_parser import RequestHead, RequestParser


def head_with(*headers: bytes) -> RequestHead:
    data = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(line + b"\r\n" for line in headers) + b"\r\n"
    (head,) = RequestParser().feed(data)
    assert isinstance(head, RequestHead)
    return head


def kept(*headers: bytes) -> list[bytes]:
    return [name + b": " + value for name, value in head_with(*headers).kept[1:]]


def test_order_case_duplicates_and_bytes_are_kept() -> None:
    headers = (
        b"accept: */*",
        b"X-A: 1",
        b"ACCEPT: text/html",
        b"x-a: 2",
        b"X-Bytes: \xe9\xff\x80",
        b"X-Empty: ",
    )
    assert kept(*headers) == list(headers)


@pytest.mark.parametrize(
    "header",
    [
        b"Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authorization: Basic x",
        b"TE: trailers",
        b"Trailer: X",
        b"Upgrade: websocket",
    ],
)
def test_hop_by_hop_headers_end_here(header: bytes) -> None:
    assert kept(header, b"X-Other: 1") == [b"X-Other: 1"]


def test_headers_that_connection_names_end_here() -> None:
    headers = (
        b"X-Hop: 1",
        b"Connection: close, X-Hop ,x-two",
        b"X-TWO: 2",
        b"x-hop: 3",
        b"X-Stays: 4",
    )
    assert kept(*headers) == [b"X-Stays: 4"]


@pytest.mark.parametrize(
    "name",
    [
        b"Forwarded",
        b"X-Forwarded-For",
        b"x-forwarded-proto",
        b"X-Forwarded-Host",
        b"X-Forwarded-Port",
        b"X-Forwarded-Prefix",
        b"X-Real-IP",
        b"X-Request-Id",
    ],
)
def test_forwarded_headers_are_set_aside(name: bytes) -> None:
    head = head_with(name + b": x")
    assert len(head.kept) == 1
    assert head.forwarded == [(name, b"x")]


@pytest.mark.parametrize(
    "name",
    [
        b"Fig_Shadow",
        b"FIG_FORCE",
        b"X_Forwarded_For",
        b"X-Forwarded_Proto",
        b"x_real_ip",
        b"X_Request_Id",
        b"X_REQUEST-ID",
        b"Content_Length",
        b"Transfer_Encoding",
        b"SCRIPT_NAME",
        b"Path_Info",
    ],
)
def test_names_that_wsgi_folds_onto_one_of_ours_are_dropped_and_counted(name: bytes) -> None:
    head = head_with(name + b": x")
    assert len(head.kept) == 1
    assert head.dropped == ["folded"]


def test_other_names_with_underscores_pass() -> None:
    assert kept(b"X_Api_Key: 1", b"_: 2", b"Script-Name: 3") == [
        b"X_Api_Key: 1",
        b"_: 2",
        b"Script-Name: 3",
    ]


def test_fig_headers_are_read_or_dropped() -> None:
    head = head_with(b"Fig-Force: f", b"fig-debug: d", b"Fig-Shadow: s", b"Fig-Anything: a")
    assert (head.force, head.debug) == (b"f", b"d")
    assert len(head.kept) == 1
    assert head.dropped == ["fig", "fig"]


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        (b"a=1; b=2", b"a=1; b=2"),
        (b"fig_user=x; a=1", b"a=1"),
        (b"a=1; fig_user=x; b=2", b"a=1; b=2"),
        (b"a=1; fig_user=x", b"a=1"),
        (b'a=1;fig_user=x;  b = "2;" ', b'a=1;  b = "2;"'),
        (b"fig_user=x; fig_user=y; a=1", b"a=1"),
        (b"xfig_user=x; fig_userx=y", b"xfig_user=x; fig_userx=y"),
        (b"a=fig_user=x", b"a=fig_user=x"),
        (b"a=1 ;;  b=2; ", b"a=1 ;;  b=2; "),
        (b"fig_user=x", None),
        (b" fig_user = x ", None),
        (b"fig_user", None),
    ],
)
def test_the_proxys_cookie_is_taken_out_and_the_others_stay(
    sent: bytes, passed: bytes | None
) -> None:
    expected = [] if passed is None else [b"Cookie: " + passed]
    assert [line.strip() for line in kept(b"Cookie: " + sent)] == [
        line.strip() for line in expected
    ]


def test_all_cookie_headers_are_seen() -> None:
    head = head_with(b"Cookie: a=1", b"cookie: fig_user=x; b=2")
    assert head.cookies == [b"a=1", b"fig_user=x; b=2"]
    assert head.kept[1:] == [(b"Cookie", b"a=1"), (b"cookie", b"b=2")]


@pytest.mark.parametrize("space", [b"\xc2\xa0", b"\xe2\x80\x83", b"\xc2\x85 "])
def test_white_space_that_django_strips_off_a_name_hides_no_cookie_of_ours(space: bytes) -> None:
    head = head_with(b"Cookie: a=1;" + space + b"fig_user=x;fig_wrote" + space + b"=y; b=\xc2\xa0")
    assert head.kept[1:] == [(b"Cookie", b"a=1; b=\xc2\xa0")]
    assert head.wrote == b"y"


@pytest.mark.parametrize(
    ("version", "lines", "expects"),
    [
        (b"1.1", b"Expect: 100-continue\r\n", True),
        (b"1.1", b"expect:  100-Continue \r\n", True),
        (b"1.1", b"Expect: x\r\nExpect: 100-continue\r\nExpect: y\r\n", True),
        (b"1.1", b"Expect: x\r\n", False),
        (b"1.1", b"", False),
        (b"1.0", b"Expect: 100-continue\r\n", False),
    ],
)
def test_an_expected_100_is_noted_and_asked_for_further_on(
    version: bytes, lines: bytes, expects: bool
) -> None:
    data = b"PUT / HTTP/" + version + b"\r\nHost: a\r\n" + lines + b"Content-Length: 5\r\n\r\n"
    (head,) = RequestParser().feed(data)
    assert isinstance(head, RequestHead)
    assert head.expects_continue == expects
    assert len(head.kept) == 2 + lines.count(b"\r\n")
