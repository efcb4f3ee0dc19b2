"""The mark of a shadowed request fits that request and no other."""

import pytest

from stranglerfig.signing import Refusal, sign
from stranglerfig.signing.shadow import HEADER, make_shadow_mark, verify_shadow_mark

KEY = b"a secret"
NOW = 1_800_000_000.0
MARK = make_shadow_mark("GET", b"/api/x?a=1", b"", "request-1", int(NOW) + 10, KEY)


def check(
    value: str = MARK,
    method: str = "GET",
    target: bytes = b"/api/x?a=1",
    body: bytes = b"",
    key: bytes = KEY,
    now: float = NOW,
) -> str:
    return verify_shadow_mark(value, method, target, body, key, now)


def test_the_marked_request_is_known_by_its_id() -> None:
    assert check() == "request-1"


def test_a_mark_is_worth_nothing_on_any_other_request() -> None:
    assert check(method="HEAD") is Refusal.FORGED
    assert check(target=b"/api/x?a=2") is Refusal.FORGED
    assert check(target=b"/api/y?a=1") is Refusal.FORGED
    assert check(body=b"x") is Refusal.FORGED
    assert check(key=b"other") is Refusal.FORGED
    assert check(now=NOW + 10) is Refusal.EXPIRED


def test_what_is_marked_cannot_be_cut_elsewhere() -> None:
    mark = make_shadow_mark("GET", b"/a\n/b", b"", "r", int(NOW) + 10, KEY)
    assert verify_shadow_mark(mark, "GET\n/a", b"/b", b"", KEY, NOW) is not None
    assert check(mark, target=b"/a") is Refusal.FORGED


def test_a_signed_value_of_another_form_is_malformed() -> None:
    assert check(sign(HEADER, "nodigest", int(NOW) + 10, KEY)) is Refusal.MALFORMED
    assert check(sign(HEADER, "a b", int(NOW) + 10, KEY)) is Refusal.FORGED
    assert check(sign("Fig-Force", "a b", int(NOW) + 10, KEY)) is Refusal.FORGED
    assert check("") is Refusal.MALFORMED


@pytest.mark.parametrize("request_id", ["", "a b", "a;b", "é", "a\n", "x" * 201])
def test_an_id_that_could_not_be_sent_is_not_signed(request_id: str) -> None:
    with pytest.raises(ValueError, match="request id"):
        make_shadow_mark("GET", b"/", b"", request_id, 1, KEY)


def test_without_a_key_nothing_is_marked() -> None:
    with pytest.raises(ValueError, match="key"):
        make_shadow_mark("GET", b"/", b"", "r", 1, b"")
