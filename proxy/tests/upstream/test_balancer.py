"""Which address of an upstream gets the next request, when some fail, are unhealthy, come and go."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.config.balancing import HealthProbe
from stranglerfig.config.model import Config, Upstream
from stranglerfig.http1.failure import Failure
from stranglerfig.upstream.addresses import Addresses
from stranglerfig.upstream.balancer import Balancer
from stranglerfig.upstream.peer import Peer

PROBE = HealthProbe(path="/", rise=1, fall=1)
A, B, C = ("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80")


def upstream(*authorities: str, **more: Any) -> Upstream:
    urls = [f"http://{authority}" for authority in authorities]
    return Config.model_validate({"upstreams": {"monolith": {"urls": urls, **more}}}).upstreams[
        "monolith"
    ]


def balancer_of(
    *authorities: str, names: Mapping[str, Addresses] | None = None, **more: Any
) -> Balancer:
    return Balancer(upstream(*authorities, **more), (names or {}).get, lambda: 1.0, workers=1)


def picked(balancer: Balancer, times: int = 6, now: float = 0.0) -> Counter[str]:
    """Who would get so many requests, each of which ends at once and tells nothing."""
    found = [balancer.pick(now) for _ in range(times)]
    return Counter("nobody" if peer is None else peer.authority for peer in found)


def at(balancer: Balancer, authority: str) -> Peer:
    return next(peer for peer in balancer.peers() if peer.authority == authority)


def refuse(balancer: Balancer, authority: str, now: float = 0.0) -> bool:
    """No connection comes about there."""
    return balancer.fail(at(balancer, authority), object(), Failure.CONNECT_FAILED, now)


def make_sick(balancer: Balancer, authority: str) -> None:
    at(balancer, authority).health.bad(0, PROBE, "status 503")
    balancer.sort_out(0)


def test_all_addresses_of_all_urls_get_their_share() -> None:
    names = {"shop": Addresses()}
    balancer = balancer_of("shop:80", "10.0.0.9:81", names=names)
    assert picked(balancer) == {"10.0.0.9:81": 6}
    names["shop"].learn(["10.0.0.1", "10.0.0.2"])
    balancer.refresh(0)
    assert picked(balancer) == {A: 2, B: 2, "10.0.0.9:81": 2}


def test_nobody_is_picked_while_no_address_is_known_and_the_names_are_told() -> None:
    names = {"shop": Addresses(), "store": Addresses()}
    balancer = balancer_of("shop:80", "store:80", names=names)
    assert picked(balancer, 1) == {"nobody": 1}
    assert not balancer.is_refusing
    assert [name for name, _ in balancer.unknown()] == ["shop", "store"]
    names["store"].learn(["10.0.0.2"])
    balancer.refresh(0)
    assert balancer.unknown() == []
    assert picked(balancer, 1) == {B: 1}


def test_where_there_is_another_address_one_failed_connect_is_enough() -> None:
    balancer = balancer_of(A, B)
    assert refuse(balancer, A)
    assert picked(balancer) == {B: 6}
    assert [peer.authority for peer in balancer.besides(at(balancer, B))] == [A]


def test_other_failures_have_to_come_in_a_row() -> None:
    balancer = balancer_of(A, B, breaker={"failures": 3})
    for _ in range(2):
        assert not balancer.fail(at(balancer, A), "", Failure.RESPONSE_TIMEOUT, 0)
    assert picked(balancer) == {A: 3, B: 3}
    assert balancer.fail(at(balancer, A), "", Failure.RESPONSE_TIMEOUT, 0)
    assert picked(balancer) == {B: 6}


def test_after_its_time_it_gets_one_request_and_all_when_that_is_answered() -> None:
    balancer = balancer_of(A, B)
    refuse(balancer, A)
    trial = object()
    found = {balancer.pick(1.0) for _ in range(4)}
    assert found == {at(balancer, A), at(balancer, B)}
    balancer.begin(at(balancer, A), trial, 1.0)
    assert picked(balancer, now=1.0) == {B: 6}
    assert balancer.succeed(at(balancer, A), 1.0)
    assert picked(balancer, now=1.0) == {A: 3, B: 3}


def test_a_trial_that_tells_nothing_is_followed_by_another() -> None:
    balancer = balancer_of(A, B)
    refuse(balancer, A)
    balancer.pick(1.0)
    balancer.begin(at(balancer, A), "trial", 1.0)
    balancer.give_up(at(balancer, A), "trial", 1.0)
    assert A in picked(balancer, now=1.0)


def test_a_trial_that_lasts_is_followed_by_another_when_its_answer_should_have_come() -> None:
    timeouts = {"connect": "2s", "response": "10s"}
    balancer = balancer_of(A, B, timeouts=timeouts)
    refuse(balancer, A)
    balancer.pick(1.0)
    balancer.begin(at(balancer, A), "trial", 1.0)
    assert picked(balancer, now=12.9) == {B: 6}
    assert picked(balancer, now=13.0) == {A: 3, B: 3}
    balancer.begin(at(balancer, A), "next", 13.0)
    assert picked(balancer, now=13.0) == {B: 6}


@pytest.mark.parametrize("failures", range(1, 40))
def test_the_only_address_is_asked_whatever_it_did(failures: int) -> None:
    balancer = balancer_of(A)
    for number in range(failures):
        balancer.fail(at(balancer, A), number, Failure.CONNECT_FAILED, float(number))
        assert balancer.pick(float(number)) is at(balancer, A)


def test_one_failed_connect_does_not_open_the_only_address() -> None:
    balancer = balancer_of(A, breaker={"when_all_open": "refuse"})
    for _ in range(4):
        assert not refuse(balancer, A)
        assert picked(balancer, 1) == {A: 1}
    assert refuse(balancer, A)
    assert picked(balancer, 1) == {"nobody": 1}


def test_where_none_is_available_all_are_tried() -> None:
    balancer = balancer_of(A, B, C)
    refuse(balancer, A)
    refuse(balancer, B)
    make_sick(balancer, C)
    assert picked(balancer) == {A: 2, B: 2, C: 2}


def test_where_none_is_available_none_is_asked_if_that_is_written() -> None:
    balancer = balancer_of(A, B, breaker={"when_all_open": "refuse"})
    refuse(balancer, A)
    assert not balancer.is_refusing
    refuse(balancer, B)
    assert balancer.is_refusing
    assert picked(balancer, now=0.9) == {"nobody": 6}
    peer = balancer.pick(1.0)
    assert peer is not None
    balancer.begin(peer, "trial", 1.0)
    other = balancer.pick(1.0)
    assert other is not None
    assert other is not peer
    balancer.begin(other, "other trial", 1.0)
    assert balancer.pick(1.0) is None
    assert balancer.succeed(peer, 1.0)
    assert not balancer.is_refusing
    assert picked(balancer, now=1.0) == {peer.authority: 6}


def test_the_unhealthy_get_nothing_and_those_of_which_nothing_is_known_do() -> None:
    balancer = balancer_of(A, B)
    make_sick(balancer, A)
    assert picked(balancer) == {B: 6}
    at(balancer, A).health.good(1, PROBE)
    balancer.sort_out(1)
    assert picked(balancer) == {A: 3, B: 3}


def test_the_other_family_is_tried_where_the_first_gives_no_connection() -> None:
    names = {"shop": Addresses()}
    names["shop"].learn(["::1", "10.0.0.1"])
    balancer = balancer_of("shop:80", names=names)
    assert picked(balancer) == {"[::1]:80": 6}
    assert [peer.authority for peer in balancer.besides(at(balancer, "[::1]:80"))] == [A]
    refuse(balancer, "[::1]:80")
    assert picked(balancer) == {A: 6}
    assert picked(balancer, now=1.0) == {"[::1]:80": 6}


def test_those_that_are_available_are_tried_before_those_that_are_not() -> None:
    balancer = balancer_of(A, B, C)
    refuse(balancer, B)
    assert [peer.authority for peer in balancer.besides(at(balancer, A))] == [C, B]


def test_a_reload_keeps_what_is_known_of_addresses_that_stay() -> None:
    balancer = balancer_of(A, B, breaker={"failures": 2})
    a, b = balancer.peers()
    refuse(balancer, A)
    a.under_way = 3
    balancer.adapt(upstream(B, A, C, breaker={"failures": 7}), lambda _: None, 0)
    assert [peer.authority for peer in balancer.peers()] == [B, A, C]
    assert set(balancer.peers()) > {a, b}
    assert picked(balancer) == {B: 3, C: 3}
    balancer.adapt(upstream(C), lambda _: None, 0)
    assert (a.is_gone, b.is_gone) == (True, True)
    assert picked(balancer) == {C: 6}


def test_when_health_is_no_longer_asked_for_nobody_stays_unhealthy() -> None:
    balancer = balancer_of(A, B, health={"path": "/up"})
    make_sick(balancer, A)
    balancer.adapt(upstream(A, B), lambda _: None, 0)
    assert picked(balancer) == {A: 3, B: 3}


def test_a_changed_limit_lets_those_in_who_wait() -> None:
    balancer = balancer_of(A, concurrency=1)
    bulkhead = balancer.bulkhead
    assert bulkhead is not None
    assert bulkhead.enter()
    assert [bulkhead.wait(who) for who in ("a", "b", "c")] == [True] * 3
    assert balancer.adapt(upstream(A, concurrency=2), lambda _: None, 0) == ["a"]
    assert list(balancer.adapt(upstream(A), lambda _: None, 0)) == ["b", "c"]
    assert balancer.bulkhead is None


@given(st.data())
def test_whatever_happens_a_known_address_is_picked(data: st.DataObject) -> None:
    balancer = balancer_of(A, B, C)
    under_way: list[tuple[Peer, object]] = []
    now = 0.0
    for request in range(data.draw(st.integers(0, 50))):
        now += data.draw(st.sampled_from([0.0, 0.3, 1.0, 40.0]))
        match data.draw(st.sampled_from(["ask", "answer", "fail", "leave", "sick", "well"])):
            case "answer" if under_way:
                peer, _ = under_way.pop(0)
                peer.under_way -= 1
                balancer.succeed(peer, now)
                assert peer.breaker.allows(now)
            case "fail" if under_way:
                peer, who = under_way.pop(0)
                peer.under_way -= 1
                balancer.fail(peer, who, Failure.CLOSED_EARLY, now)
                balancer.give_up(peer, who, now)
            case "leave" if under_way:
                peer, who = under_way.pop()
                peer.under_way -= 1
                balancer.give_up(peer, who, now)
            case "sick":
                make_sick(balancer, data.draw(st.sampled_from([A, B, C])))
            case "well":
                at(balancer, data.draw(st.sampled_from([A, B, C]))).health.good(now, PROBE)
                balancer.sort_out(now)
            case _:
                found = balancer.pick(now)
                assert found is not None
                available = [each for each in balancer.peers() if _is_available(each, now)]
                assert not available or found in available
                found.under_way += 1
                balancer.begin(found, request, now)
                under_way.append((found, request))


def _is_available(peer: Peer, now: float) -> bool:
    return peer.health.state != "unhealthy" and peer.breaker.allows(now)
