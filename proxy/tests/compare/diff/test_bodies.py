"""Bodies: read as what they are, in whatever coding they travelled, within a bound."""

import gzip
import sys
import zlib
from collections.abc import Callable
from functools import partial

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.compare.diff.body import diff_bodies
from stranglerfig.compare.diff.coding import CodingError, NotComparableError, decode
from stranglerfig.compare.diff.path import concrete, template

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

JSON, TEXT, PNG = b"application/json", b"text/plain; charset=utf-8", b"image/png"
HTML = b"text/html; charset=utf-8"


def found(
    control: bytes, candidate: bytes, kind: bytes = TEXT, other: bytes | None = None
) -> list[tuple[str, str]]:
    differences = diff_bodies(control, candidate, control_type=kind, candidate_type=other or kind)
    return [(each.kind.value, concrete(each.steps, str)) for each in differences]


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        (b"a\nb\n", b"a\nb\n", []),
        (b"a\nb\nc", b"a\nx\ny", [("value", "$.line[2]")]),
        (b"a\nb\n", b"a\n", [("missing", "$.line[2]")]),
        (b"a\n", b"a\nb\n", [("extra", "$.line[2]")]),
        (b"a\nb\n", b"a\r\nb\r\n", [("format", "$")]),
        (b"a\nb\n", b"a\nb", [("format", "$")]),
        (b"a", b"", [("missing", "$")]),
        (b"", b"a", [("extra", "$")]),
        (b"", b"", []),
    ],
)
def test_text_tells_the_first_line_that_differs(
    control: bytes, candidate: bytes, expected: list[tuple[str, str]]
) -> None:
    assert found(control, candidate) == expected


def test_lines_share_one_template() -> None:
    (difference,) = diff_bodies(b"a\nb", b"a\nc", control_type=TEXT, candidate_type=TEXT)
    assert template(difference.steps) == "$.line[]"


@given(st.text(), st.text())
def test_texts_differ_exactly_when_their_bytes_do(one: str, other: str) -> None:
    assert bool(found(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))) is (
        one.encode("utf-8", "replace") != other.encode("utf-8", "replace")
    )


def test_json_under_any_json_type_is_compared_as_json() -> None:
    for kind in (JSON, b"application/problem+json; charset=utf-8", b"application/vnd.shop.v1+json"):
        assert found(b'{"a":1, "b":2}', b'{"b":2,"a":3}', kind) == [("value", "$.a")]


def test_json_that_does_not_parse_on_either_side_is_compared_as_text() -> None:
    assert found(b'{"a": 1', b'{"a": 2', JSON) == [("value", "$.line[1]")]


def test_json_that_parses_on_one_side_alone_is_one_difference_of_type() -> None:
    assert found(b'{"a": 1}', b'{"a": 1', JSON) == [("type", "$")]
    assert found(b'{"a": 1', b'{"a": 1}', JSON) == [("type", "$")]


def test_a_page_against_a_text_is_one_difference_of_type() -> None:
    assert found(b"<p>a</p>", b"a", HTML, TEXT) == [("type", "$")]


def test_json_against_html_is_one_difference_of_type() -> None:
    assert found(b'{"a": 1}', b"<h1>Server Error</h1>", JSON, HTML) == [("type", "$")]


def test_bytes_are_equal_or_not() -> None:
    assert found(b"\x89PNG1", b"\x89PNG1", PNG) == []
    assert found(b"\x89PNG1", b"\x89PNG2", PNG) == [("value", "$")]


@pytest.mark.parametrize(
    "kind", [b"text/plain; charset=unicode_escape", b"text/plain; charset=idna", b"text/plain; charset=\x00", b"text/plain; charset=nope", b""]
)  # fmt: skip
def test_a_charset_nobody_knows_leaves_bytes(kind: bytes) -> None:
    assert found(b"a\\x", b"a\\y", kind) == [("value", "$")]


def test_text_in_its_declared_charset_equals_the_same_text_in_another() -> None:
    latin, utf8 = b"text/plain; charset=latin-1", b"text/plain; charset=utf-8"
    assert found("é".encode("latin-1"), "é".encode(), latin, utf8) == []


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        (b"a=1&b=x+y", b"b=x%20y&a=1", []),
        (b"a=%C3%A9", "a=\u00e9".encode(), []),
        (b"a=1", b"a=2", [("value", "$.a")]),
        (b"a=1&b=", b"a=1", [("missing", "$.b")]),
        (b"a=1", b"a=1&b", [("extra", "$.b")]),
        (b"a=1&a=2", b"a=2&a=1", [("order", "$.a")]),
        (b"a=1&a=2", b"a=1", [("size", "$.a")]),
        (b"a=%ff", b"a=%fe", [("value", "$.a")]),
        (b"a&" * 10_001, b"b&" * 10_001, [("value", "$.line[1]")]),
    ],
)  # fmt: skip
def test_fields_of_a_form_body_are_compared_by_name(
    control: bytes, candidate: bytes, expected: list[tuple[str, str]]
) -> None:
    assert found(control, candidate, b"application/x-www-form-urlencoded") == expected


def test_a_byte_order_mark_before_json_is_a_difference_of_format() -> None:
    assert found(b'\xef\xbb\xbf{"a": 1}', b'{"a": 1}', JSON) == [("format", "$")]
    assert found(b'\xef\xbb\xbf{"a": 1}', b'\xef\xbb\xbf{"a": 2}', JSON) == [("value", "$.a")]


@pytest.mark.parametrize(
    "control",
    [
        "<p>\u00e9<meta charset=latin-1>".encode("latin-1"),
        "<p>\u00e9<meta charset='nope'>".encode(),
        "<p>\u00e9".encode("utf-16"),
        "\ufeff<p>\u00e9".encode(),
    ],
)
def test_a_page_may_name_its_charset_itself(control: bytes) -> None:
    differences = found(control, "<p>\u00e9".encode(), b"text/html")
    assert set(differences) <= {("missing", "$.body.p.meta")}


def deflated(body: bytes, *, raw: bool) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(b'{"a": 1}')),
        (b"x-gzip", gzip.compress(b'{"a": 1}')),
        (b"gzip", gzip.compress(b'{"a":') + gzip.compress(b" 1}")),
        (b"deflate", deflated(b'{"a": 1}', raw=False)),
        (b"deflate", deflated(b'{"a": 1}', raw=True)),
        (b"br", brotli.compress(b'{"a": 1}')),
        (b"zstd", zstd.compress(b'{"a": 1}')),
        (b"zstd", zstd.compress(b'{"a":') + zstd.compress(b" 1}")),
        (b"gzip, br", brotli.compress(gzip.compress(b'{"a": 1}'))),
        (b"deflate, gzip", gzip.compress(deflated(b'{"a": 1}', raw=False))),
    ],
)
def test_a_coded_body_equals_the_plain_one(coding: bytes, packed: bytes) -> None:
    differences = diff_bodies(
        packed, b'{"a": 1}', control_type=JSON, candidate_type=JSON, control_encoding=[coding]
    )
    assert list(differences) == []


BOMB = bytes(50 * 1024 * 1024)


@pytest.mark.parametrize(
    ("coding", "pack"),
    [(b"gzip", gzip.compress), (b"br", partial(brotli.compress, quality=5)), (b"zstd", zstd.compress)],
)  # fmt: skip
def test_a_bomb_is_not_unpacked(coding: bytes, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NotComparableError) as raised:
        list(
            diff_bodies(
                pack(BOMB), b"{}", control_type=JSON, candidate_type=JSON, control_encoding=[coding]
            )
        )
    assert raised.value.reason == "decoded_too_large"


@pytest.mark.parametrize(("coding", "pack"), [("br", brotli.compress), ("zstd", zstd.compress)])
@given(body=st.binary(max_size=300), cut=st.integers(1, 5))
def test_other_codings_are_undone_up_to_the_bound_and_a_cut_is_told(
    coding: str, pack: Callable[[bytes], bytes], body: bytes, cut: int
) -> None:
    packed = pack(body)
    assert decode(packed, [coding], max_bytes=len(body)) == body
    if body:
        with pytest.raises(NotComparableError):
            decode(packed, [coding], max_bytes=len(body) - 1)
    if len(packed) > cut:
        with pytest.raises(CodingError):
            decode(packed[:-cut], [coding])


def test_a_bound_counts_all_members_of_a_stream() -> None:
    joined = gzip.compress(bytes(60)) * 3
    assert decode(joined, ["gzip"], max_bytes=180) == bytes(180)
    with pytest.raises(NotComparableError):
        decode(joined, ["gzip"], max_bytes=179)


def test_a_coding_without_a_reader_cannot_be_compared() -> None:
    with pytest.raises(NotComparableError) as raised:
        list(
            diff_bodies(
                b"a", b"b", control_type=TEXT, candidate_type=TEXT, control_encoding=[b"compress"]
            )
        )
    assert raised.value.reason == "content_coding"


@pytest.mark.parametrize("broken", [b"not gzip", gzip.compress(b"abc" * 99)[:-6], b"\x1f\x8b"])
def test_a_broken_coding_is_a_difference_and_no_crash(broken: bytes) -> None:
    with pytest.raises(CodingError):
        decode(broken, ["gzip"])
    differences = diff_bodies(
        b"x", broken, control_type=TEXT, candidate_type=TEXT, candidate_encoding=[b"gzip"]
    )
    assert [each.kind.value for each in differences] == ["type"]


@given(
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.sampled_from([JSON, TEXT, HTML, PNG]),
    st.sampled_from([b"", b"gzip", b"deflate", b"br", b"zstd"]),
)
def test_hostile_bodies_never_crash_the_differ(
    one: bytes, other: bytes, kind: bytes, coding: bytes
) -> None:
    encoding = [coding] if coding else []
    same = list(
        diff_bodies(
            one,
            one,
            control_type=kind,
            candidate_type=kind,
            control_encoding=encoding,
            candidate_encoding=encoding,
        )
    )
    assert same == []
    list(
        diff_bodies(
            one,
            other,
            control_type=kind,
            candidate_type=kind,
            control_encoding=encoding,
            candidate_encoding=encoding,
        )
    )
