"""Which idle connection is used again, and which are closed."""

from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.upstream.pool import Pool


def pool(*connections: tuple[str, str, float], max_idle: int = 10) -> Pool[str, str]:
    made: Pool[str, str] = Pool(max_idle)
    for key, connection, expires in connections:
        assert made.give(key, connection, expires) is None
    return made


def test_the_newest_connection_is_used_first() -> None:
    idle = pool(("a", "one", 9), ("a", "two", 9), ("b", "three", 9))
    assert [idle.take("a", 0) for _ in range(3)] == ["two", "one", None]
    assert idle.take("b", 0) == "three"


def test_a_connection_that_is_too_old_is_not_used() -> None:
    idle = pool(("a", "one", 5))
    assert idle.take("a", 5) is None
    assert idle.expire(5) == ["one"]
    assert idle.expire(5) == []


def test_of_too_many_the_oldest_is_closed() -> None:
    idle = pool(("a", "one", 9), ("a", "two", 9), max_idle=2)
    assert idle.give("a", "three", 9) == "one"
    assert [idle.take("a", 0), idle.take("a", 0), idle.take("a", 0)] == ["three", "two", None]


def test_a_connection_that_is_gone_is_forgotten() -> None:
    idle = pool(("a", "one", 9))
    idle.forget("a", "one")
    idle.forget("a", "one")
    idle.forget("b", "one")
    assert idle.take("a", 0) is None


def test_connections_of_keys_that_are_no_longer_used_are_closed() -> None:
    idle = pool(("a", "one", 9), ("b", "two", 9), ("b", "three", 9))
    assert idle.retain(lambda key: key == "a") == ["two", "three"]
    assert len(idle) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["give", "take", "expire"]), st.sampled_from("ab"), st.integers(0, 20)
        )
    )
)
def test_no_connection_is_given_out_twice_or_lost(steps: list[tuple[str, str, int]]) -> None:
    idle: Pool[str, int] = Pool(3)
    made, inside = 0, set()
    for step, key, now in steps:
        if step == "give":
            made += 1
            inside.add(made)
            inside.discard(idle.give(key, made, now + 5))
        elif step == "take":
            taken = idle.take(key, now)
            assert taken is None or taken in inside
            inside.discard(taken)
        else:
            due = set(idle.expire(now))
            assert due <= inside
            inside -= due
        assert len(idle) == len(inside)
        assert idle.idle("a") + idle.idle("b") == len(idle)
