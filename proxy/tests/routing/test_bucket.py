"""Buckets: spread evenly, independent between journeys, and never changed by a release."""

import math
import secrets
from collections import Counter

from stranglerfig.routing.bucket import BUCKETS, bucket, fingerprint

USERS = [f"user-{number:06}" for number in range(20_000)]


def test_a_users_bucket_is_part_of_the_contract() -> None:
    # Another value would move every user of every running canary with the next upgrade.
    assert bucket("catalog", "AAAAAAAAAAAAAAAAAAAAAA") == 2250
    assert bucket("checkout", "AAAAAAAAAAAAAAAAAAAAAA") == 2382


def test_buckets_are_in_range_for_any_text() -> None:
    for unit in ["", "é", "\udcff", "x" * 100_000, *USERS[:100]]:
        assert 0 <= bucket("s", unit) < BUCKETS


def test_buckets_are_spread_evenly() -> None:
    cells = Counter(bucket("catalog", user) // 100 for user in USERS)
    expected = len(USERS) / 100
    chi_square = sum((cells[cell] - expected) ** 2 / expected for cell in range(100))
    # 99 degrees of freedom: 99.99 % of fair draws stay below 161.
    assert chi_square < 161


def test_journeys_choose_their_users_independently() -> None:
    first = {user for user in USERS if bucket("catalog", user) < 1000}
    second = {user for user in USERS if bucket("checkout", user) < 1000}
    both, expected = len(first & second), len(USERS) / 100
    assert abs(both - expected) < 4 * math.sqrt(expected)


def test_a_sample_is_independent_of_the_canary_of_the_same_journey() -> None:
    canary = {user for user in USERS if bucket("catalog", user) < 1000}
    sample = {user for user in USERS if bucket("catalog.", user) < 1000}
    expected = len(USERS) / 100
    assert abs(len(canary & sample) - expected) < 4 * math.sqrt(expected)


def test_the_longest_name_of_a_journey_is_a_salt() -> None:
    assert 0 <= bucket("j" * 63 + ".", "user") < BUCKETS


def test_a_fingerprint_shows_nothing_of_the_credential() -> None:
    credential = f"Token {secrets.token_hex(20)}"
    assert fingerprint(credential) == fingerprint(credential) != fingerprint(credential + "x")
    assert credential[6:14] not in fingerprint(credential)
    assert len(fingerprint(credential)) == 32
