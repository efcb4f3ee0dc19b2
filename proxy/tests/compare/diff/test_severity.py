"""Severity: what endangers users or leads clients elsewhere is read first; docs/comparison.md has the table."""

import re
from pathlib import Path

import pytest

from stranglerfig.compare.diff.answer import differences, findings
from stranglerfig.compare.diff.difference import Kind
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.severity import TABLE, Severity, weigh, weight_of
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.observation import RecordedResponse

PAGE = Path(__file__).resolve().parents[4] / "docs" / "comparison.md"


def answer(status: int = 200, body: str = "", **headers: str) -> RecordedResponse:
    lines = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}  # fmt: skip
    return RecordedResponse(
        status,
        tuple((name.encode(), value.encode()) for name, value in lines.items() if value),
        body.encode(),
    )


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        (answer(200), answer(500), "high"),
        (answer(200), answer(302), "high"),
        (answer(200), answer(201), "medium"),
        (answer(x_frame_options="DENY"), answer(), "high"),
        (answer(x_frame_options="DENY"), answer(x_frame_options="SAMEORIGIN"), "high"),
        (answer(strict_transport_security="max-age=9"), answer(), "high"),
        (answer(content_security_policy="default-src 'self'"), answer(), "high"),
        (answer(cross_origin_opener_policy="same-origin"), answer(), "high"),
        (answer(), answer(x_frame_options="DENY"), "low"),
        (answer(set_cookie="a=1; Secure"), answer(set_cookie="a=1"), "high"),
        (answer(set_cookie="a=1; HttpOnly"), answer(set_cookie="a=1"), "high"),
        (answer(set_cookie="a=1; SameSite=Lax"), answer(set_cookie="a=1; SameSite=None"), "high"),
        (answer(set_cookie="a=1; SameSite=Lax"), answer(set_cookie="a=1"), "high"),
        (answer(set_cookie="a=1"), answer(set_cookie="a=1; Domain=x.org"), "high"),
        (answer(set_cookie="a=1"), answer(), "medium"),
        (answer(set_cookie="a=1; Path=/"), answer(set_cookie="a=1; Path=/a"), "medium"),
        (answer(cache_control="private"), answer(), "high"),
        (answer(cache_control="max-age=1"), answer(cache_control="max-age=1, public"), "high"),
        (answer(cache_control="max-age=1"), answer(cache_control="max-age=2"), "medium"),
        (answer(vary="Cookie"), answer(), "high"),
        (answer(vary="Accept"), answer(), "medium"),
        (answer(), answer(access_control_allow_origin="*"), "high"),
        (answer(content_type="text/html"), answer(), "high"),
        (answer(content_type="text/html; charset=a"), answer(content_type="text/html; charset=b"), "medium"),
        (answer(etag="1"), answer(etag="2"), "low"),
        (answer(location="/a"), answer(location="/b"), "medium"),
        (answer(), answer(x_debug="1"), "low"),
        (answer(x_total="1"), answer(), "medium"),
        (answer(body='{"a": 1}'), answer(body='{"a": "1"}'), "high"),
        (answer(body='{"a": 1}'), answer(body="<p>"), "high"),
        (answer(body='{"a": 1}'), answer(), "high"),
        (answer(body='{"a": 1}'), answer(body='{"a": 1.0}'), "low"),
        (answer(body='{"a": 1}'), answer(body='{"a": 2}'), "medium"),
        (answer(body='{"a": 1}'), answer(body='{"a": null}'), "medium"),
        (answer(body='{"a": 1}'), answer(body="{}"), "medium"),
        (answer(body="[1, 2]"), answer(body="[2, 1]"), "medium"),
    ],
)  # fmt: skip
def test_each_difference_has_a_severity(
    control: RecordedResponse, candidate: RecordedResponse, expected: str
) -> None:
    (found,) = findings(control, candidate, Context())
    assert weight_of(found).severity == expected
    (difference,) = differences(
        control, candidate, context=Context(), shaper=Shaper(b"k"), shows=lambda *_: False
    )
    assert weight_of(difference) == weight_of(found)


FORM = '<form method="post"><input name="csrfmiddlewaretoken" value="{}"><script nonce="12345678">go()</script></form>'  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('value="{}"', 'value=""'),
        ('<input name="csrfmiddlewaretoken" value="{}">', ""),
        (' nonce="12345678"', ""),
        ('method="post"', ""),
    ],
)
def test_what_a_page_loses_of_its_protection_is_high(old: str, new: str) -> None:
    pages = [page.format("a1B2" * 8) for page in (FORM, FORM.replace(old, new))]
    (found,) = findings(*(answer(body=page, content_type="text/html") for page in pages), Context())
    assert weight_of(found).severity is Severity.HIGH


@pytest.mark.parametrize(
    ("kind", "where", "severity"),
    [
        (Kind.VALUE, "status", Severity.HIGH),
        (Kind.FORMAT, "body", Severity.LOW),
        (Kind.VALUE, "nowhere", Severity.MEDIUM),
    ],
)
def test_whatever_was_stored_has_a_weight(kind: Kind, where: str, severity: Severity) -> None:
    assert weigh(kind, where, "(others)").severity is severity


@pytest.mark.skipif(not PAGE.exists(), reason="this part is tested without the house")
def test_the_page_says_what_is_high() -> None:
    said = re.sub(r"\s+", " ", PAGE.read_text())
    for line in TABLE:
        if line.weight.severity is Severity.HIGH:
            assert line.weight.why in said, line.weight.why
