"""Signed values: believed only whole, in time, and under their own name."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.signing import Refusal, sign, verify

KEY = b"a secret"
NOW = 1_800_000_000.0
VALUE = sign("Fig-Force", "catalog=service", int(NOW) + 60, KEY)


def test_a_value_is_written_as_documented() -> None:
    message = b"fig-force\n1800000060\ncatalog=service"
    digest = hmac.new(KEY, message, "sha256").hexdigest()
    assert f"v1;1800000060;catalog=service;{digest}" == VALUE


def test_what_was_signed_is_believed() -> None:
    assert verify("Fig-Force", VALUE, KEY, NOW) == "catalog=service"
    assert verify("fig-force", VALUE, KEY, NOW) == "catalog=service"  # names have no case


@pytest.mark.parametrize(
    ("now", "result"),
    [(NOW + 59.9, "catalog=service"), (NOW + 60, Refusal.EXPIRED), (NOW + 1e9, Refusal.EXPIRED)],
)
def test_a_value_is_believed_until_it_expires(now: float, result: str) -> None:
    assert verify("Fig-Force", VALUE, KEY, now) == result


def test_a_value_of_one_header_is_worth_nothing_in_another() -> None:
    assert verify("Fig-Debug", VALUE, KEY, NOW) is Refusal.FORGED


def test_another_key_is_refused() -> None:
    assert verify("Fig-Force", VALUE, b"another", NOW) is Refusal.FORGED


def test_without_a_key_nothing_is_signed_and_nothing_believed() -> None:
    with pytest.raises(ValueError, match="key is empty"):
        sign("Fig-Force", "catalog=service", 1, b"")
    unsigned = "v1;1800000060;catalog=service;" + hmac.new(b"", b"fig-force\n1800000060\ncatalog=service", "sha256").hexdigest()  # fmt: skip
    assert verify("Fig-Force", unsigned, b"", NOW) is Refusal.FORGED


def test_the_expiry_of_a_forged_value_is_not_looked_at() -> None:
    assert verify("Fig-Force", VALUE, b"another", NOW + 1e9) is Refusal.FORGED


def test_no_part_of_a_value_can_be_changed() -> None:
    for place in range(len(VALUE)):
        for sign_ in "0;fg":
            changed = VALUE[:place] + sign_ + VALUE[place + 1 :]
            if changed != VALUE:
                assert isinstance(verify("Fig-Force", changed, KEY, NOW), Refusal), changed


HOSTILE = [
    "", ";", ";;;", "v1", "v1;;;", "v2" + VALUE[2:], VALUE + "x", " " + VALUE, VALUE + "\n", VALUE.upper(),
    VALUE.replace("1800000060", "9" * 5000), VALUE.replace("1800000060", "-1"), VALUE.replace("1800000060", "1e9"),
    VALUE.replace("1800000060", "١٢٣"), VALUE.replace("catalog", "cata\0log"), VALUE.replace("catalog", "cata\nlog"),
    "v1;1;" + "x" * 10_000_000 + ";" + "0" * 64, VALUE[:-64] + "é" * 64, VALUE[:-1], VALUE.replace(";", ","),
    VALUE.replace("catalog", "\ud800"), VALUE.replace("catalog", "\udcff"), VALUE.replace("catalog", "é"),
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_value_is_malformed(value: str) -> None:
    assert verify("Fig-Force", value, KEY, NOW) is Refusal.MALFORMED


@given(st.text(max_size=200))
def test_any_text_is_refused(value: str) -> None:
    assert isinstance(verify("Fig-Force", value, KEY, NOW), Refusal)


printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=300)


@given(printable, st.integers(0, 10**12 - 1), st.binary(min_size=1, max_size=80))
def test_every_payload_comes_back_as_it_was(payload: str, expires: int, key: bytes) -> None:
    value = sign("Fig-Debug", payload, expires, key)
    assert verify("Fig-Debug", value, key, expires - 1) == payload
    assert verify("Fig-Debug", value, key, expires) is Refusal.EXPIRED


@pytest.mark.parametrize("payload", ["a\nb", "\0", "\x7f", "é", "\ud800", "x" * 5000])
def test_what_could_not_be_sent_is_not_signed(payload: str) -> None:
    with pytest.raises(ValueError, match="payload"):
        sign("Fig-Force", payload, 1, KEY)


@pytest.mark.parametrize("expires", [-1, 10**12])
def test_an_expiry_that_could_not_be_read_is_not_signed(expires: int) -> None:
    with pytest.raises(ValueError, match="expiry"):
        sign("Fig-Force", "x", expires, KEY)


def test_a_payload_may_hold_semicolons_and_still_reads_in_one_way() -> None:
    value = sign("Fig-Force", "a;b;c", int(NOW) + 1, KEY)
    assert verify("Fig-Force", value, KEY, NOW) == "a;b;c"
