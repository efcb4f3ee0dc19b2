"""Headers: what means the same is the same, what is missing is found, and noise is named in a table."""

import pytest

from stranglerfig.compare.diff.headers import NOT_COMPARED, Context, diff_headers
from stranglerfig.compare.diff.path import template
from stranglerfig.compare.observation import Headers

CONTEXT = Context("shop.example", "10.0.0.1:8100", "10.0.0.2:8211")
DATE = "Date: Mon, 23 Nov 2026 10:00:00 GMT"
LATER = "Date: Mon, 23 Nov 2026 10:00:07 GMT"


def headers(*lines: str) -> Headers:
    pairs = (line.partition(": ") for line in lines)
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, _, value in pairs)


def found(control: Headers, candidate: Headers) -> list[tuple[str, str]]:
    return [
        (each.kind.value, f"{each.where}{template(each.steps, root='')}")
        for each in diff_headers(control, candidate, CONTEXT)
    ]


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        (["Content-Type: text/html; charset=utf-8"], ['content-type: Text/HTML;charset="UTF-8"']),
        (["Cache-Control: max-age=60, public"], ["Cache-Control: public", "Cache-Control: max-age=60"]),
        (["Vary: Accept, Cookie"], ["Vary: cookie", "vary: accept"]),
        (["Allow: GET, HEAD"], ["Allow: HEAD,GET"]),
        (["Location: http://shop.example/login?next=/a"], ["Location: /login?next=/a"]),
        (["Location: http://SHOP.example"], ["Location: https://shop.example/"]),
        (["Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"], ["Last-Modified: Sunday, 06-Nov-94 08:49:37 GMT"]),
        (["Set-Cookie: a=1; Path=/; HttpOnly"], ["Set-Cookie: a=2; httponly; path=/"]),
        (["Set-Cookie: a=1; Max-Age=60; expires=Mon, 23 Nov 2026 10:01:00 GMT"], ["Set-Cookie: a=1; Max-Age=60; expires=Mon, 23 Nov 2026 10:01:09 GMT"]),
        (["Set-Cookie: a=1", "Set-Cookie: b=1"], ["Set-Cookie: b=1", "Set-Cookie: a=1"]),
        ([DATE, "Expires: Mon, 23 Nov 2026 10:10:00 GMT"], [LATER, "Expires: Mon, 23 Nov 2026 10:10:08 GMT"]),
        (["Server: gunicorn", DATE, "Content-Length: 3", "X-Request-Id: 1"], ["Server: other", LATER]),
        (["X-Total: 3"], ["x-total: 3 "]),
        (["Content-Security-Policy: default-src 'self'; img-src a b"], ["Content-Security-Policy: img-src b a;  default-src 'self';"]),
        (["Content-Security-Policy: script-src 'nonce-a1b2c3d4' x"], ["Content-Security-Policy: script-src 'nonce-Zz90Zz90' x"]),
        (["Strict-Transport-Security: max-age=60; includeSubDomains"], ["Strict-Transport-Security: includesubdomains;max-age=60"]),
        (["Set-Cookie: a=1; Path=/", "Set-Cookie: a=2; Path=/x"], ["Set-Cookie: a=2; Path=/x", "Set-Cookie: a=1; Path=/"]),
        (["Set-Cookie: a=; Path=/", "Set-Cookie: a=1; Path=/"], ["Set-Cookie: a=1; Path=/"]),
    ],
)  # fmt: skip
def test_what_means_the_same_does_not_differ(control: list[str], candidate: list[str]) -> None:
    assert found(headers(*control), headers(*candidate)) == []
    assert found(headers(*candidate), headers(*control)) == []


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        (["X-Frame-Options: DENY"], [], [("missing", "header x-frame-options")]),
        ([], ["X-Debug: 1"], [("extra", "header x-debug")]),
        (["X-Total: 3"], ["X-Total: 4"], [("value", "header x-total")]),
        (["Content-Type: text/html; charset=utf-8"], ["Content-Type: text/html; charset=latin-1"], [("value", "header content-type[charset]")]),
        (["Content-Type: text/html; charset=utf-8"], ["Content-Type: text/html"], [("missing", "header content-type[charset]")]),
        (["Content-Type: text/html"], ["Content-Type: text/html", "Content-Type: text/html"], [("size", "header content-type"), ("value", "header content-type")]),
        (["Content-Type: text/html; charset=a"], ["Content-Type: text/html; charset=a"] * 2, [("size", "header content-type")]),
        (["Content-Type: text/html"], ["Content-Type: text/plain"], [("value", "header content-type")]),
        (["Cache-Control: max-age=60"], ["Cache-Control: max-age=61, private"], [("value", "header cache-control[max-age]"), ("extra", "header cache-control[private]")]),
        (["Cache-Control: private"], [], [("missing", "header cache-control[private]")]),
        (["Vary: Cookie, Origin"], ["Vary: Origin"], [("missing", "header vary[cookie]")]),
        (["Location: http://shop.example/a"], ["Location: http://10.0.0.2:8211/a"], [("value", "header location")]),
        (["Location: /a"], ["Location: http://evil.example/a"], [("value", "header location")]),
        (["Location: /a"], ["Location: https://shop.example/a"], []),
        (["Location: /a"], ["Location: //shop.example/a"], []),
        (["Set-Cookie: a=1; HttpOnly; Secure"], ["Set-Cookie: a=1; HttpOnly"], [("missing", "header set-cookie[a].secure")]),
        (["Set-Cookie: a=1; SameSite=Lax"], ["Set-Cookie: a=1; SameSite=None"], [("value", "header set-cookie[a].samesite")]),
        (["Set-Cookie: a=1; Path=/"], [], [("missing", "header set-cookie[a]")]),
        (["Set-Cookie: a=1; Path=/", "Set-Cookie: b=1"], ["Set-Cookie: a=1; Path=/"], [("missing", "header set-cookie[b]")]),
        (["Set-Cookie: a=1"], ['Set-Cookie: a=""'], [("value", "header set-cookie[a]")]),
        (['ETag: "x"'], ['ETag: W/"x"'], [("format", "header etag")]),
        (['ETag: "x"'], ['ETag: "y"'], [("value", "header etag")]),
        (["Content-Security-Policy: script-src 'nonce-a1b2c3d4'"], ["Content-Security-Policy: script-src 'unsafe-inline'"], [("value", "header content-security-policy[script-src]")]),
        (["Content-Security-Policy: default-src 'self'; img-src *"], ["Content-Security-Policy: default-src 'self'"], [("missing", "header content-security-policy[img-src]")]),
        (["Content-Security-Policy: default-src a", "Content-Security-Policy: default-src b"], ["Content-Security-Policy: default-src a"], [("value", "header content-security-policy[default-src]")]),
        (["Content-Security-Policy: default-src a"], [], [("missing", "header content-security-policy")]),
        (["Strict-Transport-Security: max-age=60; includeSubDomains"], ["Strict-Transport-Security: max-age=6"], [("value", "header strict-transport-security[max-age]"), ("missing", "header strict-transport-security[includesubdomains]")]),
        (["Set-Cookie: a=1; Path=/", "Set-Cookie: a=2; Path=/x"], ["Set-Cookie: a=1; Path=/"], [("missing", "header set-cookie[a /x]")]),
        (["Content-Encoding: gzip"], [], [("missing", "header content-encoding")]),
        ([DATE, "Expires: Mon, 23 Nov 2026 10:10:00 GMT"], [DATE, "Expires: Mon, 23 Nov 2026 10:20:00 GMT"], [("value", "header expires")]),
        ([DATE, "Expires: Mon, 23 Nov 2026 10:10:00 GMT"], [DATE, "Expires: 0"], [("value", "header expires")]),
    ],
)  # fmt: skip
def test_what_differs_is_found_by_part(
    control: list[str], candidate: list[str], expected: list[tuple[str, str]]
) -> None:
    assert found(headers(*control), headers(*candidate)) == expected


def test_upstreams_that_both_name_their_own_address_are_alike() -> None:
    control, candidate = (
        headers("Location: http://10.0.0.1:8100/x"),
        headers("Location: http://10.0.0.2:8211/x"),
    )
    assert found(control, candidate) == []
    assert found(candidate, control) == [("value", "header location")]


@pytest.mark.parametrize("name", sorted(NOT_COMPARED))
def test_a_header_of_the_connection_or_the_moment_is_not_compared(name: str) -> None:
    assert found(headers(f"{name}: 1"), ()) == []


@pytest.mark.parametrize(
    "line",
    [
        "Content-Type: ;;;=",
        "Content-Type: text/html; charset*=utf-8''x",
        "Set-Cookie: ;=;",
        "Expires: -1",
        "Expires: Mon, 99 Nov 99999 10:10:00 GMT",
        "Location: http://[::1",
        'Cache-Control: no-cache="a, b", ,=,"',
        "Last-Modified: yesterday",
    ],
)
def test_a_malformed_header_equals_itself_and_differs_from_another(line: str) -> None:
    name = line.partition(":")[0]
    assert found(headers(line), headers(f"{line} ")) == []
    assert found(headers(line), headers(f"{name}: x/y; z=1"))


@pytest.mark.parametrize(
    ("asked", "location", "is_own"),
    [
        ("https", "https://shop.example/a", True),
        ("https", "HTTPS://SHOP.example/a", True),
        ("https, http", "https://shop.example/a", True),
        ("https", "http://shop.example/a", False),
        ("http", "https://shop.example/a", False),
        ("https", "//shop.example/a", True),
    ],
)
def test_a_redirect_to_the_other_scheme_is_another_place(
    asked: str, location: str, is_own: bool
) -> None:
    headers = ((b"host", b"shop.example"), (b"X-Forwarded-Proto", asked.encode()))
    context = Context.of(headers, "10.0.0.1:8100", "10.0.0.2:8211")
    control, candidate = ((b"Location", value.encode()) for value in ("/a", location))
    found = [each.kind for each in diff_headers((control,), (candidate,), context)]
    assert found == ([] if is_own else ["value"])
