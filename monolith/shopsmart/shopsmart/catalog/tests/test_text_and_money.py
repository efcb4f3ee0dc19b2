from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsmart.catalog.money import Money, to_cents
from shopsmart.catalog.text import fold


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Crème  BRÛLÉE", "creme brulee"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("ﬁne ½", "fine 1⁄2"),
        ("\tÅ\u00a0b\n", "a b"),
        ("", ""),
    ],
)
def test_fold_drops_case_accents_and_forms(typed: str, folded: str) -> None:
    assert fold(typed) == folded


@given(st.text(max_size=60))
def test_what_is_folded_once_is_folded_for_good(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("amount", "cents"), [("1.005", "1.01"), ("-1.005", "-1.01"), ("2", "2.00")]
)
def test_halves_of_a_cent_are_rounded_away_from_zero(amount: str, cents: str) -> None:
    assert str(to_cents(Decimal(amount))) == cents


def test_money_is_added_and_compared_within_a_currency_only() -> None:
    assert Money(Decimal("1.10"), "EUR") + Money(Decimal(2), "EUR") == Money(Decimal("3.10"), "EUR")
    assert Money(Decimal(3), "EUR") - Money(Decimal(1), "EUR") == Money(Decimal(2), "EUR")
    assert Money(Decimal(1), "EUR") < Money(Decimal(2), "EUR")
    assert Money(Decimal("9.99"), "EUR").times(3) == Money(Decimal("29.97"), "EUR")
    assert str(Money(Decimal("1234.5"), "EUR")) == "1,234.50 EUR"
    for reckon in (Money.__add__, Money.__sub__, Money.__lt__):
        with pytest.raises(ValueError, match="can't be reckoned together"):
            reckon(Money(Decimal(1), "EUR"), Money(Decimal(1), "USD"))


def test_money_of_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="not float"):
        Money(1.1, "EUR")  # type: ignore[arg-type]
