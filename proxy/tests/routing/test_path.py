"""Paths are read as Django reads them, and what servers disagree on is refused."""

import importlib.util
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stranglerfig.routing.path import (
    Refusal,
    check_path,
    has_dot_segment,
    is_internal,
    wsgi_path,
)

READ = [
    (b"/", "/"),
    (b"", "/"),
    (b"?a=b", "/"),
    (b"*", "*"),
    (b"/a/b?c=/d", "/a/b"),
    (b"/a?b?c", "/a"),
    (b"/a%2Fb", "/a/b"),
    (b"/a%252Fb", "/a%2Fb"),  # decoded once
    (b"/a%3Fb", "/a?b"),
    (b"/caf%C3%A9", "/café"),
    (b"/caf%c3%a9", "/café"),
    (b"/caf%E9", "/caf%E9"),  # not UTF-8: put back, in capitals
    (b"/%ff%FE/x%C3", "/%FF%FE/x%C3"),
    (b"/%ed%a0%80", "/%ED%A0%80"),  # a surrogate is not UTF-8
    (b"/a+b", "/a+b"),
    (b"/a;b=c", "/a;b=c"),
    (b"//a//b/", "//a//b/"),  # nothing merged
    (b"/a/./b/../c", "/a/./b/../c"),  # nothing resolved
    (b"/%zz%4", "/%zz%4"),  # broken escapes stay
    (b"/%00", "/\0"),
]


@pytest.mark.parametrize(("target", "path"), READ)
def test_a_target_is_read_so(target: bytes, path: str) -> None:
    assert wsgi_path(target) == path


needs_django = pytest.mark.skipif(
    not importlib.util.find_spec("django") or not importlib.util.find_spec("gunicorn"),
    reason="the oracle is Django behind gunicorn",
)


def django_path(target: bytes) -> str:
    """What a Django view finds in request.path_info behind gunicorn."""
    from django.core.handlers.wsgi import get_path_info
    from gunicorn.util import split_request_uri, unquote_to_wsgi_str

    environ: dict[str, Any] = {
        "PATH_INFO": unquote_to_wsgi_str(split_request_uri(target.decode("ascii")).path)
    }
    return str(get_path_info(environ) or "/")


# What a request target may hold (RFC 9112 section 3.2.1): visible ASCII, and no fragment.
targets = st.lists(
    st.one_of(
        st.sampled_from([b"/", b"//", b".", b"..", b"%2F", b"%2e", b"?", b"%", b"%C3%A9", b"%F0%9F", b"_chassis", b";", b"@", b"[", b":"]),
        st.integers(0, 255).map(lambda byte: b"%%%02x" % byte),
        st.integers(0x21, 0x7E).filter(lambda byte: byte != 0x23).map(lambda byte: bytes([byte])),
    ),
    max_size=30,
).map(lambda parts: b"/" + b"".join(parts))  # fmt: skip


@needs_django
@given(targets)
@example(b"/%ff" * 50)
@example(b"//%5b")
def test_every_target_is_read_as_django_reads_it(target: bytes) -> None:
    assert wsgi_path(target) == django_path(target)


@given(targets)
def test_a_path_is_text_that_can_be_sent_on(target: bytes) -> None:
    wsgi_path(target).encode()


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(target: bytes) -> None:
    path = wsgi_path(target)
    check_path(target, path)
    is_internal(path)


def refusal(target: bytes, *, allow: bool = False) -> Refusal | None:
    return check_path(target, wsgi_path(target), allow_dot_segments=allow)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (b"/a\x00b", Refusal.CONTROL),
        (b"/a\nb", Refusal.CONTROL),
        (b"/a?b\tc", Refusal.CONTROL),
        (b"/a\x7fb", Refusal.CONTROL),
        ("/caf\u00e9".encode(), Refusal.NOT_ASCII),
        (b"/caf\xe9?x", Refusal.NOT_ASCII),
        (b"/a?\xff", Refusal.NOT_ASCII),
        (b"/a%00b", Refusal.NUL),
        (b"/a#b", Refusal.FRAGMENT),
        (b"/a#b?c", Refusal.FRAGMENT),
        (b"/.", Refusal.DOT_SEGMENT),
        (b"/..", Refusal.DOT_SEGMENT),
        (b"/a/./b", Refusal.DOT_SEGMENT),
        (b"/a/../b", Refusal.DOT_SEGMENT),
        (b"/a/..", Refusal.DOT_SEGMENT),
        (b"/a/%2e%2E/b", Refusal.DOT_SEGMENT),
        (b"/a%2f..%2fb", Refusal.DOT_SEGMENT),
        (b"/a/.%2e", Refusal.DOT_SEGMENT),
        (b"/..?x", Refusal.DOT_SEGMENT),
    ],
)
def test_what_servers_disagree_on_is_refused(target: bytes, reason: Refusal) -> None:
    assert refusal(target) is reason


@pytest.mark.parametrize(
    "target",
    [
        b"/", b"*", b"/.well-known/x", b"/a/...", b"/a/..b", b"/a/b..", b"/a.b/c", b"/a?x=/../y", b"/a?x=#b",
        b"/a%0Ab", b"/%252e%252e/", b"/a/%C3%A9", b"/a//b", b"/..%3bx",
    ],
)  # fmt: skip
def test_what_honest_clients_send_is_passed(target: bytes) -> None:
    assert refusal(target) is None


def test_dot_segments_pass_where_the_user_says_so_and_nothing_else_does() -> None:
    assert refusal(b"/a/../b", allow=True) is None
    assert refusal(b"/a/../%00", allow=True) is Refusal.NUL
    assert refusal(b"/a/../b#c", allow=True) is Refusal.FRAGMENT


@given(targets)
def test_a_path_that_passed_has_no_dot_segment(target: bytes) -> None:
    if refusal(target) is None:
        assert not has_dot_segment(wsgi_path(target))


INTERNAL = [
    b"/_chassis", b"/_chassis/", b"/_chassis/livez", b"/_chassis?x", b"/_chassis/rows/c?table=t",
    b"/%5fchassis/livez", b"/%5Fchassi%73", b"/_chassis%2Flivez", b"/_chassis%2flivez",
    b"//_chassis/livez",  # waitress and runserver merge leading slashes
    b"///_chassis", b"/%2f_chassis/x", b"//_chassis//x",
    b"/./_chassis/x", b"/a/../_chassis/x", b"/a/%2e%2e/_chassis", b"/../../_chassis", b"/a/b/../..//_chassis",
    b"/_chassis/../x", b"/./_chassis/..",
]  # fmt: skip


@pytest.mark.parametrize("target", INTERNAL)
def test_internal_endpoints_are_known_in_every_spelling(target: bytes) -> None:
    assert is_internal(wsgi_path(target))


@pytest.mark.parametrize(
    "target",
    [
        b"/", b"/_chassisx", b"/x/_chassis", b"/_Chassis/livez", b"/_CHASSIS", b"/?/_chassis", b"/%255fchassis",
        b"/_chassis%3Fx", b"*", b"/x/_chassis/..",
    ],
)  # fmt: skip
def test_other_paths_are_not_internal(target: bytes) -> None:
    assert not is_internal(wsgi_path(target))
