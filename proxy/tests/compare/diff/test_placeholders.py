"""A CSRF token or a nonce is new in each answer; that it is there must not be."""

import pytest

from stranglerfig.compare.diff.answer import differences
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.observation import RecordedResponse

FORM = (
    '<form method="post">\n<input type="hidden" name="csrfmiddlewaretoken" value="{}">\n<p>{}</p>\n'
)
TOKENS = ("a1B2" * 16, "Zz90" * 16)


def found(
    control: str, candidate: str, content_type: bytes = b"text/html"
) -> list[tuple[str, str]]:
    """What differs between two pages, each with the ETag that Django makes from its bytes."""
    answers = [
        RecordedResponse(
            200,
            ((b"Content-Type", content_type), (b"ETag", f'"{hash(page)}"'.encode())),
            page.encode(),
        )
        for page in (control, candidate)
    ]
    return [
        (each.kind.value, each.where)
        for each in differences(
            *answers, context=Context(), shaper=Shaper(b"k"), shows=lambda *_: False
        )
    ]


@pytest.mark.parametrize(
    "page",
    [
        FORM.format("{}", "same"),
        "<input name='csrfmiddlewaretoken' value='{}'>",
        '<script nonce="{}">go()</script>',
    ],
)
def test_a_fresh_value_in_its_place_is_no_difference_nor_is_the_etag_made_from_it(
    page: str,
) -> None:
    assert found(page.format(TOKENS[0]), page.format(TOKENS[1])) == []


def test_what_differs_beside_a_token_is_found() -> None:
    pages = FORM.format(TOKENS[0], "11.00 EUR"), FORM.format(TOKENS[1], "12.00 EUR")
    assert found(*pages) == [("value", "body")]


@pytest.mark.parametrize(
    "lost", ["", "short", "no token at all, but a text of sixty-four characters, blanks in it"]
)
def test_a_form_that_lost_its_token_differs(lost: str) -> None:
    assert ("value", "body") in found(FORM.format(TOKENS[0], "x"), FORM.format(lost, "x"))


def test_a_token_elsewhere_is_a_value_like_any_other() -> None:
    texts = tuple(f'{{"csrfmiddlewaretoken": "{token}"}}' for token in TOKENS)
    assert found(*texts, content_type=b"application/json") == [
        ("value", "header etag"),
        ("value", "body"),
    ]
