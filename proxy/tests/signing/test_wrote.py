"""The cookie fig_wrote: believed only whole, in time and under the key; bounded whatever is put into it."""

import hmac
import re
from base64 import urlsafe_b64encode
from string import printable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stranglerfig.signing.wrote import (
    AHEAD_S,
    KEPT_S,
    MAX_LENGTH,
    MAX_SCOPES,
    NAME,
    Ignored,
    Wrote,
    read_wrote,
    scope_of,
    write_wrote,
)

KEY = b"a secret"
NOW_MS = 1_800_000_000_000
SHOP = scope_of("journey", "shop")
WRITES = {SHOP: Wrote("m", NOW_MS - 500), scope_of("upstream", "monolith"): Wrote("u", NOW_MS)}
VALUE = write_wrote(WRITES, KEY)

scopes = st.text("abcXYZ019_-", min_size=8, max_size=8)
times = st.integers(NOW_MS - KEPT_S * 1000, NOW_MS + int(AHEAD_S * 1000))
writes = st.dictionaries(scopes, st.builds(Wrote, st.sampled_from("msu"), times), min_size=1)


def test_a_value_is_written_as_documented_and_fits_a_cookie() -> None:
    monolith = scope_of("upstream", "monolith")
    said = f"v1.{monolith}u1800000000000.{SHOP}m1799999999500."
    digest = hmac.new(KEY, f"fig_wrote\n{said}".encode(), "sha256").digest()[:16]
    assert said + urlsafe_b64encode(digest).decode().rstrip("=") == VALUE
    assert re.fullmatch(r"[!#-+\--:<-\[\]-~]+", VALUE)  # RFC 6265: cookie-octet
    assert NAME == "fig_wrote"


def test_names_are_not_told_and_kinds_are_told_apart() -> None:
    assert "shop" not in VALUE.lower()
    assert "monolith" not in VALUE.lower()
    assert len({scope_of("journey", "x"), scope_of("upstream", "x"), scope_of("journey", "y")}) == 3


@given(writes)
def test_what_was_written_is_read(told: dict[str, Wrote]) -> None:
    assume(len(told) <= MAX_SCOPES)
    assert read_wrote(write_wrote(told, KEY), KEY, NOW_MS) == told


@given(writes)
def test_of_too_many_the_newest_are_kept_and_no_value_is_longer_than_allowed(
    told: dict[str, Wrote],
) -> None:
    value = write_wrote(told, KEY)
    assert len(value) <= MAX_LENGTH
    kept = read_wrote(value, KEY, NOW_MS)
    assert not isinstance(kept, Ignored)
    assert kept.items() <= told.items()
    assert len(kept) == min(len(told), MAX_SCOPES)
    left_out = [told[scope].at_ms for scope in told.keys() - kept.keys()]
    assert max(left_out, default=0) <= min(wrote.at_ms for wrote in kept.values())


def test_a_full_value_is_as_long_as_the_bound_and_stays_small() -> None:
    many = {f"{number:08}": Wrote("m", NOW_MS) for number in range(100)}
    assert len(write_wrote(many, KEY)) == MAX_LENGTH < 400


def test_no_part_of_a_value_can_be_changed() -> None:
    for place in range(len(VALUE)):
        for sign in "0.mzA":
            changed = VALUE[:place] + sign + VALUE[place + 1 :]
            if changed != VALUE:
                assert isinstance(read_wrote(changed, KEY, NOW_MS), Ignored), changed


@given(st.text(printable, max_size=500) | st.text(max_size=60))
def test_what_is_no_value_is_not_believed_and_breaks_nothing(text: str) -> None:
    assert isinstance(read_wrote(text, KEY, NOW_MS), Ignored)


@given(writes, st.binary(min_size=1, max_size=40))
def test_another_key_is_refused(told: dict[str, Wrote], key: bytes) -> None:
    assume(key.rstrip(b"\0") != KEY)  # HMAC fills keys up with zeros
    assert read_wrote(write_wrote(told, KEY), key, NOW_MS) is Ignored.FORGED


def signed(said: str) -> str:
    digest = hmac.new(KEY, f"fig_wrote\n{said}".encode(), "sha256").digest()[:16]
    return said + urlsafe_b64encode(digest).decode().rstrip("=")


IGNORED = [
    ("", Ignored.MALFORMED),
    ("v1.", Ignored.MALFORMED),
    (signed("v1."), Ignored.MALFORMED),
    (signed(f"v2.{SHOP}m{NOW_MS}."), Ignored.MALFORMED),
    (signed(f"v1.{SHOP}x{NOW_MS}."), Ignored.MALFORMED),
    (signed(f"v1.{SHOP}m{NOW_MS}1."), Ignored.MALFORMED),
    (signed(f"v1.{SHOP}m٣{NOW_MS % 10**12}."), Ignored.MALFORMED),
    (VALUE + "=", Ignored.MALFORMED),
    (VALUE + "\n", Ignored.MALFORMED),
    (f'"{VALUE}"', Ignored.MALFORMED),
    (VALUE[:-1], Ignored.MALFORMED),
    (VALUE.replace("v1.", f"v1.{SHOP}m{NOW_MS}."), Ignored.FORGED),
    ("x" * (MAX_LENGTH + 1), Ignored.OVERSIZED),
    (signed("v1." + f"{SHOP}m{NOW_MS}." * (MAX_SCOPES + 1)), Ignored.OVERSIZED),
]  # fmt: skip


@pytest.mark.parametrize(("value", "why"), IGNORED)
def test_why_a_value_is_not_believed_is_told(value: str, why: Ignored) -> None:
    assert read_wrote(value, KEY, NOW_MS) is why


OLDEST_MS, LATEST_MS = NOW_MS - KEPT_S * 1000, NOW_MS + int(AHEAD_S * 1000)


@pytest.mark.parametrize(
    ("at_ms", "why"),
    [
        (OLDEST_MS, None),
        (OLDEST_MS - 1, Ignored.EXPIRED),
        (0, Ignored.EXPIRED),
        (LATEST_MS, None),
        (LATEST_MS + 1, Ignored.AHEAD),
        (10**13 - 1, Ignored.AHEAD),
    ],
)
def test_a_value_from_long_ago_or_from_the_future_is_not_believed(
    at_ms: int, why: Ignored | None
) -> None:
    told = {SHOP: Wrote("m", at_ms)}
    assert read_wrote(write_wrote(told, KEY), KEY, NOW_MS) == (why or told)
    # Beside a write of this moment it is left out, and the other one counts.
    both = write_wrote({**told, "12345678": Wrote("s", NOW_MS)}, KEY)
    believed = read_wrote(both, KEY, NOW_MS)
    assert not isinstance(believed, Ignored)
    assert (SHOP in believed) is (why is None)
    assert believed["12345678"] == Wrote("s", NOW_MS)


def test_nothing_is_signed_without_a_key_or_for_nothing_or_for_no_time() -> None:
    for told, key in (
        (WRITES, b""),
        ({}, KEY),
        ({SHOP: Wrote("m", 10**13)}, KEY),
        ({SHOP: Wrote("m", -1)}, KEY),
    ):
        with pytest.raises(ValueError, match=r"empty|nothing|range"):
            write_wrote(told, key)
    unsigned = hmac.new(b"", b"fig_wrote\n" + VALUE[:-22].encode(), "sha256").digest()[:16]
    forged = VALUE[:-22] + urlsafe_b64encode(unsigned).decode().rstrip("=")
    assert read_wrote(forged, b"", NOW_MS) is Ignored.FORGED
