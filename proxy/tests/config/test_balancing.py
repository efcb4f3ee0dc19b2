"""Several addresses of an upstream and its limits, as they are written."""

import json

import pytest

from stranglerfig.config.balancing import Endpoint
from stranglerfig.config.load import parse
from stranglerfig.config.model import Config, Upstream


def read(upstream: str, more: str = "") -> Upstream:
    text = f"upstreams:\n  monolith: {upstream}\n{more}"
    return parse(text, "fig.yaml").config.upstreams["monolith"]


def doubts(upstream: str, more: str = "") -> list[str]:
    warnings = parse(f"upstreams:\n  monolith: {upstream}\n{more}", "fig.yaml").warnings
    return [problem.message for problem in warnings]


def test_several_urls_are_as_many_endpoints_in_their_order() -> None:
    upstream = read('{urls: [http://b, "http://[fd00::1]:81/", http://a:8080]}')
    assert upstream.endpoints == (
        Endpoint("b", 80),
        Endpoint("fd00::1", 81),
        Endpoint("a", 8080),
    )
    assert upstream.urls == ("http://b:80", "http://[fd00::1]:81", "http://a:8080")
    assert upstream.authority == "b:80"


@pytest.mark.parametrize(
    "written",
    [
        "http://a:1",
        "{urls: [http://a:1]}",
        "{urls: [http://a:1, http://b:2], balance: round_robin, concurrency: 7, queue: {size: 0, wait: 50ms}}",
        "{url: http://a:1, health: {path: '/up?x=1', interval: 500ms, timeout: 2s, rise: 1, fall: 9, host: 'shop:80'}}",
        "{url: http://a:1, breaker: {failures: 1, open: 2s, longest: 2s, when_all_open: refuse}}",
    ],
)
def test_what_is_sent_to_workers_is_read_as_it_was_written(written: str) -> None:
    config = parse(f"upstreams:\n  monolith: {written}\n", "fig.yaml").config
    sent = json.loads(json.dumps(config.model_dump(mode="json")))
    assert Config.model_validate(sent) == config


def test_by_default_nothing_is_limited_nobody_is_asked_and_no_address_is_refused() -> None:
    upstream = read("http://a:1")
    assert (upstream.concurrency, upstream.health) == (None, None)
    assert upstream.breaker.when_all_open == "try"
    assert upstream.balance == "least_requests"


def test_one_url_that_is_the_proxys_own_is_found_among_several() -> None:
    with pytest.raises(Exception, match="would run in a circle"):
        read("{urls: [http://a:1, http://127.0.0.1:8000]}")


def test_a_queue_without_a_limit_is_doubted() -> None:
    assert doubts("{url: http://a:1, queue: {size: 5}}") == [
        "nobody waits where any number of requests goes at once"
    ]
    assert doubts("{url: http://a:1, concurrency: 5, queue: {size: 5}}") == []


def test_fewer_places_than_workers_are_doubted() -> None:
    assert doubts("{url: http://a:1, concurrency: 3}", "workers: 4\n") == [
        "each of the 4 workers gets a place, so there are more than 3"
    ]
    assert doubts("{url: http://a:1, concurrency: 4}", "workers: 4\n") == []
