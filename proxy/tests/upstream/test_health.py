"""Whether an address is well, by what it answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.config.balancing import HealthProbe
from stranglerfig.upstream.health import Health, HealthState

PROBE = HealthProbe(path="/", rise=2, fall=3)
LETTERS = {HealthState.UNKNOWN: "?", HealthState.HEALTHY: "h", HealthState.UNHEALTHY: "u"}


def states(answers: str) -> str:
    """The state after each answer: ``+`` a good one, ``-`` a bad one."""
    health, seen = Health(), ""
    for now, answer in enumerate(answers):
        before = health.state
        has_changed = (
            health.good(now, PROBE) if answer == "+" else health.bad(now, PROBE, "status 503")
        )
        assert has_changed is (health.state is not before)
        assert (health.since == now) or not has_changed
        seen += LETTERS[health.state]
    return seen


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ("+", "h"),
        ("---", "??u"),
        ("--+", "??h"),
        ("+--+--+", "hhhhhhh"),
        ("+---", "hhhu"),
        ("---+-++", "??uuuuh"),
        ("---++---", "??uuhhhu"),
        ("---+", "??uu"),
    ],
)
def test_so_many_in_a_row_change_it(answers: str, expected: str) -> None:
    assert states(answers) == expected


def test_it_says_what_was_wrong_last_and_forgets_it_when_all_is_well() -> None:
    health = Health()
    for _ in range(3):
        health.bad(1, PROBE, "status 503")
    health.bad(2, PROBE, "connect_failed")
    assert (health.why, health.since) == ("connect_failed", 1)
    health.good(3, PROBE)
    assert health.good(4, PROBE)
    assert (health.why, health.since) == ("", 4)
    health.forget(5)
    assert health.state is HealthState.UNKNOWN


@given(st.text("+-", max_size=80))
def test_an_address_is_unhealthy_only_after_a_row_and_healthy_again_only_after_one(
    answers: str,
) -> None:
    seen = states(answers)
    for at, (before, after) in enumerate(zip("?" + seen, seen, strict=False)):
        if before != after and after == "u":
            assert answers[: at + 1].endswith("-" * PROBE.fall)
        if before == "u" and after == "h":
            assert answers[: at + 1].endswith("+" * PROBE.rise)
    for at in range(len(answers)):
        if answers[: at + 1].endswith("-" * PROBE.fall):
            assert seen[at] == "u"
        if answers[: at + 1].endswith("+" * PROBE.rise):
            assert seen[at] == "h"
