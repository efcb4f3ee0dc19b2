"""Cards as they are typed, and that they are seen nowhere."""

import pickle

import pytest
from django.core.exceptions import ValidationError

from shopsmart.payments.cards import Card, read_card


@pytest.mark.parametrize(
    ("number", "expiry", "cvc"),
    [
        ("4242424242424242", "12/99", "123"),
        ("4242 4242 4242 4242", "12/2099", " 123 "),
        ("4242-4242-4242-4242", " 12 / 99", "123"),
        ("4242\u00a04242\u00a04242\u00a04242", "12/99", "123"),
    ],
)
def test_a_card_is_read_as_people_write_it(number: str, expiry: str, cvc: str) -> None:
    assert read_card(number=number, expiry=expiry, cvc=cvc) == Card(
        "4242424242424242", "12/99", "123"
    )


def test_a_month_of_one_digit_is_read() -> None:
    assert read_card(number="4242424242424242", expiry="4/99", cvc="1234").expiry == "04/99"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "4242424242424241"}, "number"),
        ({"number": "4242"}, "number"),
        ({"number": "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"}, "number"),
        ({"number": "4242424242424242x"}, "number"),
        ({"expiry": ""}, "expiry"),
        ({"expiry": "13/99"}, "expiry"),
        ({"expiry": "00/99"}, "expiry"),
        ({"expiry": "12/20"}, "expiry"),
        ({"expiry": "12/20x"}, "expiry"),
        ({"cvc": ""}, "cvc"),
        ({"cvc": "12"}, "cvc"),
        ({"cvc": "12345"}, "cvc"),
        ({"cvc": "12a"}, "cvc"),
    ],
)
def test_a_mistake_is_told_by_field_without_repeating_it(
    change: dict[str, str], field: str
) -> None:
    good = {"number": "4242424242424242", "expiry": "12/99", "cvc": "987"}
    with pytest.raises(ValidationError) as caught:
        read_card(**(good | change))
    assert set(caught.value.message_dict) == {field}
    assert "4242" not in str(caught.value)
    assert "987" not in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        read_card(number="1", expiry="2", cvc="3")
    assert set(caught.value.message_dict) == {"number", "expiry", "cvc"}


def test_a_card_shows_its_last_digits_alone() -> None:
    card = Card("4242424242424242", "12/99", "987")
    for shown in (repr(card), str(card), f"{card}", repr({"card": card})):
        assert "…4242" in shown
        assert "42424" not in shown
        assert "987" not in shown


def test_a_card_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="kept"):
        pickle.dumps(Card("4242424242424242", "12/99", "987"))
