"""Whose money was given back. Pure, so every odd case can be written down."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsmart.reports.refunds import SHIPPING, RefundedOrder, Returned, SoldLine, shares_of

MACHINE, BOOK = SoldLine(1, 1, Decimal("500.00")), SoldLine(2, 4, Decimal("40.00"))
PARCEL = Decimal("4.90")


def spread(returns: list[tuple[str, dict[int, int]]], *amounts: str) -> list[tuple[object, ...]]:
    order = RefundedOrder(
        PARCEL,
        [MACHINE, BOOK],
        [Returned(Decimal(amount), pieces) for amount, pieces in returns],
        [(number, Decimal(amount)) for number, amount in enumerate(amounts, 1)],
    )
    return [(refund, line, str(amount)) for refund, line, amount in shares_of(order)]


def test_a_cancelled_order_gives_back_all_of_everything() -> None:
    assert spread([], "544.90") == [(1, 1, "500.00"), (1, 2, "40.00"), (1, SHIPPING, "4.90")]


def test_what_came_back_alone_carries_its_refund() -> None:
    assert spread([("500.00", {1: 1})], "500.00") == [(1, 1, "500.00")]
    assert spread([("20.00", {2: 2})], "20.00") == [(1, 2, "20.00")]


def test_the_parcel_comes_back_with_the_last_piece() -> None:
    returns = [("500.00", {1: 1}), ("44.90", {2: 4})]
    assert spread(returns, "500.00", "44.90") == [
        (1, 1, "500.00"),
        (2, 2, "40.00"),
        (2, SHIPPING, "4.90"),
    ]


def test_each_refund_finds_its_return_whatever_comes_first() -> None:
    returns = [("10.00", {2: 1}), ("500.00", {1: 1})]
    assert spread(returns, "500.00", "10.00") == [(1, 1, "500.00"), (2, 2, "10.00")]


def test_two_refunds_alike_are_for_two_returns() -> None:
    returns = [("10.00", {2: 1}), ("10.00", {2: 2})]
    assert spread(returns, "10.00", "10.00", "10.00") == [
        (1, 2, "10.00"),
        (2, 2, "10.00"),
        # The third is for no return: it is spread over the order.
        (3, 1, "9.18"),
        (3, 2, "0.73"),
        (3, SHIPPING, "0.09"),
    ]


def test_what_was_given_out_of_kindness_is_spread_over_the_order() -> None:
    assert spread([("500.00", {1: 1})], "5.45") == [
        (1, 1, "5.00"),
        (1, 2, "0.40"),
        (1, SHIPPING, "0.05"),
    ]


def test_goods_that_cost_nothing_carry_no_money() -> None:
    free = SoldLine(1, 1, Decimal(0))
    order = RefundedOrder(
        PARCEL, [free], [Returned(Decimal("1.00"), {1: 1})], [(1, Decimal("1.00"))]
    )
    assert list(shares_of(order)) == [(1, SHIPPING, Decimal("1.00"))]


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 10**6)), min_size=1, max_size=5),
    st.lists(st.integers(1, 10**6), max_size=5),
    st.data(),
)
def test_no_cent_is_lost_or_made(
    lines: list[tuple[int, int]], refunds: list[int], data: st.DataObject
) -> None:
    sold = [SoldLine(pk, pieces, Decimal(cents) / 100) for pk, (pieces, cents) in enumerate(lines)]
    returns = [
        Returned(
            Decimal(data.draw(st.sampled_from([*refunds, 7]))) / 100,
            {line.pk: data.draw(st.integers(1, line.quantity))},
        )
        for line in data.draw(st.lists(st.sampled_from(sold), max_size=4))
    ]
    order = RefundedOrder(
        PARCEL, sold, returns, [(n, Decimal(cents) / 100) for n, cents in enumerate(refunds)]
    )
    told = dict.fromkeys(range(len(refunds)), Decimal(0))
    for refund, line, amount in shares_of(order):
        assert amount > 0
        assert line is SHIPPING or line in range(len(lines))
        told[refund] += amount
    assert told == {n: Decimal(cents) / 100 for n, cents in enumerate(refunds)}


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_shares_are_whole_cents(pieces: int) -> None:
    third = SoldLine(1, 3, Decimal("10.00"))
    order = RefundedOrder(
        Decimal(0),
        [third],
        [Returned(Decimal("3.33") * pieces, {1: pieces})],
        [(1, Decimal("3.33") * pieces)],
    )
    assert list(shares_of(order)) == [(1, 1, Decimal("3.33") * pieces)]
