"""The model: defaults, what may be written, and that what is sent to the workers is what was read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stranglerfig.config.load import parse
from stranglerfig.config.model import (
    Address,
    Capability,
    Config,
    Lists,
    Route,
    Stage,
    Sticky,
    Timeouts,
    Upstream,
    Writes,
)
from stranglerfig.config.scalar import duration

FULL = """
listen: "[::1]:8000"
admin: 0.0.0.0:8001
workers: 3
trusted_proxies: [10.0.0.0/8, 127.0.0.1, "::1"]
upstreams:
  monolith: http://127.0.0.1:8100
  old: {urls: ["http://[fd00::1]:81/"]}
  catalog:
    url: http://catalog.local
    timeouts: {connect: 250ms, response: 2m, idle: 1h, tunnel: 12h}
    upgrades: [WebSocket, chat/2]
fallthrough: none
state_dir: state/here
dot_segments: pass
capabilities:
  catalog:
    upstream: catalog
    control: old
    stage: canary
    percent: 2.55
    writes: stage
    read_your_writes: 1500ms
    journey: shopping
    compare: false
    sample: 12.5
    sticky: header X-User
    lists: {allow: [b, a], deny: [c]}
    fallback: none
    identity: none
    routes:
      - get,post /api/catalog/**
      - {match: "* /q/{id}", safe: true, stage: shadow}
"""


def routes(*texts: str) -> tuple[Route, ...]:
    return tuple(Route.model_validate(text) for text in texts)


def test_every_written_value_is_read() -> None:
    config = parse(FULL, "fig.yaml").config
    assert config.listen == Address("::1", 8000)
    assert config.admin == Address("0.0.0.0", 8001)
    assert config.workers == 3
    assert [str(network) for network in config.trusted_proxies] == [
        "10.0.0.0/8", "127.0.0.1/32", "::1/128",
    ]  # fmt: skip
    assert config.upstreams["old"].authority == "[fd00::1]:81"
    assert config.upstreams["catalog"] == Upstream(
        name="catalog",
        host="catalog.local",
        port=80,
        timeouts=Timeouts(connect_s=0.25, response_s=120, idle_s=3600, tunnel_s=43_200),
        upgrades=("websocket", "chat/2"),
    )
    assert config.fallthrough is None
    assert config.dot_segments == "pass"
    catalog = config.capabilities["catalog"]
    assert catalog == Capability(
        name="catalog",
        upstream="catalog",
        control="old",
        stage=Stage.CANARY,
        percent=2.55,
        writes=Writes.STAGE,
        read_your_writes_s=1.5,
        journey="shopping",
        compare=False,
        sample=12.5,
        sticky=Sticky("header", "x-user"),
        lists=Lists(allow=frozenset("ab"), deny=frozenset("c")),
        routes=(
            Route(methods=frozenset({"GET", "POST"}), pattern="/api/catalog/**"),
            Route(methods=None, pattern="/q/{id}", safe=True, stage=Stage.SHADOW),
        ),
    )
    assert (catalog.share, catalog.sample_share) == (255, 1250)
    assert [route.text for route in catalog.routes] == ["GET,POST /api/catalog/**", "* /q/{id}"]
    assert config.control_of(catalog) == "old"


def test_the_defaults_are_those_of_the_documentation() -> None:
    config = parse(
        "upstreams: {monolith: 'http://m:1', s: 'http://s:1'}\n"
        "capabilities: {c: {upstream: s, routes: [GET /x]}}",
        "fig.yaml",
    ).config
    assert (config.listen, config.admin) == (Address("127.0.0.1", 8000), Address("127.0.0.1", 8001))
    assert (config.workers, config.trusted_proxies, config.fallthrough) == (None, (), "monolith")
    assert (config.state_dir, config.dot_segments) == (".fig", "refuse")
    assert config.upstreams["s"].timeouts == Timeouts(
        connect_s=1, response_s=10, idle_s=60, tunnel_s=600
    )
    assert config.upstreams["s"].upgrades == ("websocket",)
    capability = config.capabilities["c"]
    assert (capability.stage, capability.share, capability.writes) == ("monolith", 0, "monolith")
    assert (capability.journey, capability.compare, capability.sample_share) == ("c", True, 10_000)
    assert capability.sticky == Sticky("cookie")
    assert capability.read_your_writes_s == 2.0
    assert config.control_of(capability) == "monolith"


@pytest.mark.parametrize(
    ("written", "seconds"), [("off", 0), ("0s", 0), ("0ms", 0), ("1ms", 0.001), ("90s", 90), ("1h", 3600)]
)  # fmt: skip
def test_how_long_reads_follow_a_write_may_be_never(written: str, seconds: float) -> None:
    config = parse(
        "upstreams: {monolith: 'http://m:1', s: 'http://s:1'}\n"
        f"capabilities: {{c: {{upstream: s, read_your_writes: {written}, routes: [GET /x]}}}}",
        "fig.yaml",
    ).config
    assert config.capabilities["c"].read_your_writes_s == seconds
    sent = config.model_dump(mode="json")
    assert Config.model_validate(sent) == config
    assert parse(json.dumps(config.model_dump(mode="json", exclude_none=True)), "x").config == config  # fmt: skip
    assert (sent["capabilities"]["c"]["read_your_writes"] == "off") is (seconds == 0)


def test_what_is_sent_to_a_worker_is_what_was_read() -> None:
    config = parse(FULL, "fig.yaml").config
    text = config.model_dump_json()
    assert Config.model_validate_json(text) == config
    assert Config.model_validate(json.loads(text)) == config
    assert Config.model_validate_json(text).model_dump_json() == text


def test_what_is_sent_to_a_worker_may_stand_in_the_file() -> None:
    config = parse(FULL, "fig.yaml").config
    data = config.model_dump(mode="json", exclude_none=True)
    assert parse(json.dumps(data), "fig.yaml").config == config


@given(
    st.builds(
        Timeouts,
        connect_s=st.floats(0.001, 86_400),
        response_s=st.floats(0.001, 86_400),
        idle_s=st.floats(0.001, 86_400),
    ),
    st.integers(0, 10_000),
    st.frozensets(st.text(max_size=5), max_size=4),
    st.just(0.0) | st.floats(0.001, 3600),
)
def test_no_value_changes_on_the_way_to_a_worker(
    timeouts: Timeouts, share: int, users: frozenset[str], window_s: float
) -> None:
    config = Config(
        upstreams={"m": Upstream(name="m", host="h", port=1, timeouts=timeouts)},
        capabilities={
            "c": Capability(
                name="c",
                upstream="m",
                percent=share / 100,
                read_your_writes_s=window_s,
                lists=Lists(allow=users),
                routes=routes("GET /x"),
            )
        },
    )
    sent = Config.model_validate_json(config.model_dump_json())
    assert sent == config
    assert sent.capabilities["c"].share == share


def test_stages_are_ordered_and_the_lower_of_two_counts() -> None:
    assert [stage.rank for stage in Stage] == [0, 1, 2, 3]
    assert list(Stage) == ["monolith", "shadow", "canary", "service"]
    for one in Stage:
        assert one.at_most(None) is one
        for other in Stage:
            assert one.at_most(other).rank == min(one.rank, other.rank)


def test_a_config_cannot_be_changed() -> None:
    config = parse(FULL, "fig.yaml").config
    with pytest.raises(ValidationError):
        config.workers = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("10s", 10), ("1.5s", 1.5), ("2m", 120), ("1h", 3600)]
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-1s", "1 s", "1d", "1e400s0", "١s", "1s\n", "nans"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


@pytest.mark.parametrize(
    ("address", "text", "loopback"),
    [
        (Address("127.0.0.1", 0), "127.0.0.1:0", True),
        (Address("127.3.2.1", 80), "127.3.2.1:80", True),
        (Address("::1", 80), "[::1]:80", True),
        (Address("localhost", 80), "localhost:80", True),
        (Address("0.0.0.0", 80), "0.0.0.0:80", False),
        (Address("127.example.com", 80), "127.example.com:80", False),
        (Address("fd00::1", 80), "[fd00::1]:80", False),
    ],
)
def test_addresses_are_written_and_read_alike(address: Address, text: str, loopback: bool) -> None:
    assert str(address) == text
    assert Address.parse(text) == address
    assert address.is_loopback is loopback
