"""Every key of fig.yaml that changes is named, in one line, with its old and its new value."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from stranglerfig.config.changed import ChangedKey, changed_keys, lines
from stranglerfig.config.load import parse
from stranglerfig.config.model import Config

WRITTEN: dict[str, Any] = {
    "tls": {"certificate": "/a.pem", "key": "/a.key"},
    "upstreams": {
        "monolith": "http://m:1",
        "shop": "http://s:1",
        "s": {
            "url": "https://s:1",
            "tls": {"certificate": "/c.pem", "key": "/c.key"},
            "health": {"path": "/readyz"},
        },
    },
    "capabilities": {
        "c": {"upstream": "s", "routes": ["GET /x", {"match": "PUT /x"}, {"match": "POST /q"}]}
    },
}

C, S = ("capabilities", "c"), ("upstreams", "s")
Path = tuple[str | int, ...]

# What is written anew, and the line that says so.
CHANGES: dict[str, tuple[Path, Any, str]] = {
    "listen": (("listen",), "127.0.0.1:9", "listen: 127.0.0.1:8000 -> 127.0.0.1:9"),
    "admin": (("admin",), "127.0.0.1:9", "admin: 127.0.0.1:8001 -> 127.0.0.1:9"),
    "workers": (("workers",), 3, "workers: unset -> 3"),
    "tls.certificate": (("tls", "certificate"), "/b.pem", "tls.certificate: /a.pem -> /b.pem"),
    "tls.key": (("tls", "key"), "/b.key", "tls.key: /a.key -> /b.key"),
    "tls.others": (
        ("tls", "others"),
        [{"certificate": "/o.pem", "key": "/o.key"}],
        "tls.others: [] -> [{certificate: /o.pem, key: /o.key}]",
    ),
    "trusted_proxies": (("trusted_proxies",), ["10.0.0.0/8"], "trusted_proxies: [] -> [10.0.0.0/8]"),
    "upstreams.*.url": ((*S, "url"), "https://s:2", "upstreams.s.url: https://s:1 -> https://s:2"),
    "upstreams.*.timeouts.connect": ((*S, "timeouts"), {"connect": "250ms"}, "upstreams.s.timeouts.connect: 1s -> 0.25s"),
    "upstreams.*.timeouts.response": ((*S, "timeouts"), {"response": "2m"}, "upstreams.s.timeouts.response: 10s -> 120s"),
    "upstreams.*.timeouts.idle": ((*S, "timeouts"), {"idle": "2m"}, "upstreams.s.timeouts.idle: 60s -> 120s"),
    "upstreams.*.timeouts.tunnel": ((*S, "timeouts"), {"tunnel": "1h"}, "upstreams.s.timeouts.tunnel: 600s -> 3600s"),
    "upstreams.*.balance": ((*S, "balance"), "round_robin", "upstreams.s.balance: least_requests -> round_robin"),
    "upstreams.*.breaker.failures": ((*S, "breaker"), {"failures": 9}, "upstreams.s.breaker.failures: 5 -> 9"),
    "upstreams.*.breaker.open": ((*S, "breaker"), {"open": "2s"}, "upstreams.s.breaker.open: 1s -> 2s"),
    "upstreams.*.breaker.longest": ((*S, "breaker"), {"longest": "9s"}, "upstreams.s.breaker.longest: 30s -> 9s"),
    "upstreams.*.breaker.when_all_open": ((*S, "breaker"), {"when_all_open": "refuse"}, "upstreams.s.breaker.when_all_open: try -> refuse"),
    "upstreams.*.health.path": ((*S, "health", "path"), "/up", "upstreams.s.health.path: /readyz -> /up"),
    "upstreams.*.health.interval": ((*S, "health", "interval"), "9s", "upstreams.s.health.interval: 2s -> 9s"),
    "upstreams.*.health.timeout": ((*S, "health", "timeout"), "2s", "upstreams.s.health.timeout: 1s -> 2s"),
    "upstreams.*.health.rise": ((*S, "health", "rise"), 9, "upstreams.s.health.rise: 2 -> 9"),
    "upstreams.*.health.fall": ((*S, "health", "fall"), 9, "upstreams.s.health.fall: 3 -> 9"),
    "upstreams.*.health.host": ((*S, "health", "host"), "shop.example", "upstreams.s.health.host: unset -> shop.example"),
    "upstreams.*.concurrency": ((*S, "concurrency"), 9, "upstreams.s.concurrency: unset -> 9"),
    "upstreams.*.queue.size": ((*S, "queue"), {"size": 9}, "upstreams.s.queue.size: 100 -> 9"),
    "upstreams.*.queue.wait": ((*S, "queue"), {"wait": "9s"}, "upstreams.s.queue.wait: 1s -> 9s"),
    "upstreams.*.retries.attempts": ((*S, "retries"), {"attempts": 0}, "upstreams.s.retries.attempts: 1 -> 0"),
    "upstreams.*.retries.when": ((*S, "retries"), {"when": ["connect", "early_close"]}, "upstreams.s.retries.when: [connect] -> [connect, early_close]"),
    "upstreams.*.upgrades": ((*S, "upgrades"), [], "upstreams.s.upgrades: [websocket] -> []"),
    "upstreams.*.tls.ca": ((*S, "tls", "ca"), "/ca.pem", "upstreams.s.tls.ca: unset -> /ca.pem"),
    "upstreams.*.tls.server_name": ((*S, "tls", "server_name"), "s.example", "upstreams.s.tls.server_name: unset -> s.example"),
    "upstreams.*.tls.certificate": ((*S, "tls", "certificate"), "/d.pem", "upstreams.s.tls.certificate: /c.pem -> /d.pem"),
    "upstreams.*.tls.key": ((*S, "tls", "key"), "/d.key", "upstreams.s.tls.key: /c.key -> /d.key"),
    "upstreams.*.tls.insecure_accept_any_certificate": (
        (*S, "tls", "insecure_accept_any_certificate"),
        True,
        "upstreams.s.tls.insecure_accept_any_certificate: false -> true",
    ),
    "fallthrough": (("fallthrough",), "shop", "fallthrough: monolith -> shop"),
    "state_dir": (("state_dir",), "elsewhere", "state_dir: .fig -> elsewhere"),
    "dot_segments": (("dot_segments",), "pass", "dot_segments: refuse -> pass"),
    "access_log.format": (("access_log",), "json", "access_log.format: none -> json"),
    "access_log.file": (("access_log",), {"file": "stdout"}, "access_log.file: access.log -> stdout"),
    "access_log.target": (("access_log",), {"target": "whole"}, "access_log.target: path -> whole"),
    "access_log.client": (("access_log",), {"client": "network"}, "access_log.client: address -> network"),
    "access_log.headers": (("access_log",), {"headers": ["referer"]}, "access_log.headers: [] -> [referer]"),
    "trace_context.mode": (("trace_context",), "off", "trace_context.mode: trusted -> off"),
    "trace_context.sampled": (("trace_context",), {"sampled": 2.5}, "trace_context.sampled: 100 -> 2.5"),
    "limits.connections": (("limits",), {"connections": "off"}, "limits.connections: 20000 -> off"),
    "limits.connections_per_client": (("limits",), {"connections_per_client": 9}, "limits.connections_per_client: off -> 9"),
    "limits.requests": (("limits",), {"requests": 9}, "limits.requests: off -> 9"),
    "limits.rate.per_client": (("limits",), {"rate": {"per_client": "600/m"}}, "limits.rate.per_client: off -> 10/s"),
    "limits.rate.burst": (("limits",), {"rate": {"burst": 9}}, "limits.rate.burst: 40 -> 9"),
    "limits.idle": (("limits",), {"idle": "9s"}, "limits.idle: 75s -> 9s"),
    "limits.head_time": (("limits",), {"head_time": "9s"}, "limits.head_time: 30s -> 9s"),
    "limits.head_size": (("limits",), {"head_size": "32KiB"}, "limits.head_size: 64KiB -> 32KiB"),
    "limits.head_fields": (("limits",), {"head_fields": 9}, "limits.head_fields: 1000 -> 9"),
    "limits.body_size": (("limits",), {"body_size": "1MiB"}, "limits.body_size: off -> 1MiB"),
    "limits.stall": (("limits",), {"stall": "9s"}, "limits.stall: 60s -> 9s"),
    "limits.min_rate": (("limits",), {"min_rate": "off"}, "limits.min_rate: 240B/s -> off"),
    "limits.loop_delay": (("limits",), {"loop_delay": "off"}, "limits.loop_delay: 1s -> off"),
    "capabilities.*.upstream": ((*C, "upstream"), "shop", "capabilities.c.upstream: s -> shop"),
    "capabilities.*.control": ((*C, "control"), "shop", "capabilities.c.control: unset -> shop"),
    "capabilities.*.stage": ((*C, "stage"), "shadow", "capabilities.c.stage: monolith -> shadow"),
    "capabilities.*.percent": ((*C, "percent"), 10, "capabilities.c.percent: 0 -> 10"),
    "capabilities.*.writes": ((*C, "writes"), "service", "capabilities.c.writes: monolith -> service"),
    "capabilities.*.read_your_writes": ((*C, "read_your_writes"), "off", "capabilities.c.read_your_writes: 2s -> off"),
    "capabilities.*.journey": ((*C, "journey"), "shopping", "capabilities.c.journey: c -> shopping"),
    "capabilities.*.compare": ((*C, "compare"), False, "capabilities.c.compare: true -> false"),
    "capabilities.*.sample": ((*C, "sample"), 5, "capabilities.c.sample: 100 -> 5"),
    "capabilities.*.ask_again": ((*C, "ask_again"), 5, "capabilities.c.ask_again: 1 -> 5"),
    "capabilities.*.sticky": ((*C, "sticky"), "header X-User", "capabilities.c.sticky: cookie -> header x-user"),
    "capabilities.*.lists.allow": ((*C, "lists"), {"allow": ["b", "a"]}, "capabilities.c.lists.allow: [] -> [a, b]"),
    "capabilities.*.lists.deny": ((*C, "lists"), {"deny": ["a"]}, "capabilities.c.lists.deny: [] -> [a]"),
    "capabilities.*.fallback": ((*C, "fallback"), "monolith", "capabilities.c.fallback: none -> monolith"),
    "capabilities.*.routes[].match": ((*C, "routes", -1), "GET /y", "capabilities.c.routes[GET /y]: unset -> GET /y"),
    "capabilities.*.routes[].safe": ((*C, "routes", 2, "safe"), True, "capabilities.c.routes[POST /q].safe: unset -> true"),
    "capabilities.*.routes[].retry": ((*C, "routes", 1, "retry"), True, "capabilities.c.routes[PUT /x].retry: false -> true"),
    "capabilities.*.routes[].stage": ((*C, "routes", 2, "stage"), "shadow", "capabilities.c.routes[POST /q].stage: unset -> shadow"),
}  # fmt: skip


def read(written: dict[str, Any]) -> Config:
    return parse(json.dumps(written), "/fig.yaml").config


def changed(path: Path, value: Any) -> Config:
    """The same file with another value at ``path``."""
    written: Any = deepcopy(WRITTEN)
    place = written
    for part in path[:-1]:
        place = place[part]
    if isinstance(place, list):
        place.append(value)
    else:
        place[path[-1]] = value
    return read(written)


def told(old: Config, new: Config) -> list[str]:
    return [str(change) for change in changed_keys(old, new)]


def keys_of(model: type[BaseModel]) -> Iterator[str]:
    """Every key that may be written below ``model`` and has more than one value; ``*`` is a name, ``[]`` an item."""
    short_keys = getattr(model, "short_keys", ())
    yield from short_keys[:1]  # the others say the same otherwise
    for name, info in model.model_fields.items():
        key = str(info.validation_alias or name)
        if key.startswith("(") or has_one_value(info.annotation):
            continue
        below = model_in(info.annotation)
        if below is None or key == "others":  # compared as one list: the first that fits is shown
            yield key
            continue
        origin = get_origin(info.annotation)
        between = ".*." if origin is dict else "[]." if origin is tuple else "."
        yield from (f"{key}{between}{each}" for each in keys_of(below))


def model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(model_in, get_args(annotation))), None)


def has_one_value(annotation: Any) -> bool:
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1


def test_each_key_of_the_model_is_in_the_table_below() -> None:
    assert set(keys_of(Config)) == set(CHANGES)


@pytest.mark.parametrize("key", CHANGES)
def test_a_changed_key_is_named_with_its_old_and_its_new_value(key: str) -> None:
    path, value, line = CHANGES[key]
    old, new = read(WRITTEN), changed(path, value)
    assert told(old, new) == [line]
    (change,) = changed_keys(old, new)
    (back,) = changed_keys(new, old)
    assert (back.path, back.before, back.after) == (change.path, change.after, change.before)
    json.dumps(change.to_dict())
    assert told(new, new) == []


def test_what_is_sent_to_others_and_what_is_in_another_order_is_the_same() -> None:
    config = read(WRITTEN)
    assert told(config, Config.model_validate(config.model_dump(mode="json"))) == []
    turned: Any = deepcopy(WRITTEN)
    turned["upstreams"] = dict(reversed(turned["upstreams"].items()))
    turned["capabilities"]["c"]["routes"].reverse()
    assert told(config, read(turned)) == []


def upstream(written: Any) -> Config:
    return read({"upstreams": {"monolith": "http://m:1", "s": written}})


UPSTREAMS: list[tuple[Any, Any, list[str]]] = [
    ("http://s:1", "https://s:1", ["upstreams.s.url: http://s:1 -> https://s:1"]),
    ("http://s:1", {"url": "https://s:1", "tls": {"ca": "/ca.pem"}}, ["upstreams.s.url: http://s:1 -> https://s:1", "upstreams.s.tls: unset -> {ca: /ca.pem}"]),
    ("http://s:1", {"urls": ["http://s:1", "http://t:1"]}, ["upstreams.s.url: http://s:1 -> [http://s:1, http://t:1]"]),
    ("http://s:1", {"url": "http://s:1", "health": {"path": "/up", "rise": 9}}, ["upstreams.s.health: unset -> {path: /up, rise: 9}"]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "expected"), UPSTREAMS)
def test_what_is_there_on_one_side_alone_is_one_change(
    one: Any, other: Any, expected: list[str]
) -> None:
    assert told(upstream(one), upstream(other)) == expected
    assert len(told(upstream(other), upstream(one))) == len(expected)


def test_nobody_to_answer_the_rest_is_named_too() -> None:
    config = upstream("http://s:1")
    assert told(config, config.model_copy(update={"fallthrough": None})) == [
        "fallthrough: monolith -> none"
    ]


def test_what_is_added_is_told_without_its_defaults() -> None:
    one = {"upstreams": {"monolith": "http://m:1"}}
    other: dict[str, Any] = deepcopy(one)
    other["upstreams"] |= {"s": "http://s:1", "t": {"url": "http://t:1", "concurrency": 5}}
    other["tls"] = {"certificate": "/a.pem", "key": "/a.key"}
    other["capabilities"] = {"c": {"upstream": "s", "routes": ["GET /x", {"match": "POST /y", "safe": True}]}}  # fmt: skip
    assert told(read(one), read(other)) == [
        "tls: unset -> {certificate: /a.pem, key: /a.key}",
        "upstreams.s: unset -> http://s:1",
        "upstreams.t: unset -> {url: http://t:1, concurrency: 5}",
        "capabilities.c: unset -> {upstream: s, routes: [GET /x, {match: POST /y, safe: true}]}",
    ]
    assert "upstreams.s: http://s:1 -> unset" in told(read(other), read(one))


def test_a_line_stays_short_and_shows_what_differs() -> None:
    users = [f"user-{number:04}" for number in range(1000)]
    old, new = (changed((*C, "lists"), {"allow": allow}) for allow in (users, [*users[1:], "new"]))
    assert told(old, new) == ["capabilities.c.lists.allow: […, user-0000] -> […, new]"]
    (change,) = changed_keys(old, new)
    assert len(change.to_dict()["after"]) == 1000
    (line,) = told(read(WRITTEN), old)
    assert len(line) < 150
    assert line.endswith("…")


def test_no_line_holds_what_a_terminal_would_obey() -> None:
    (line,) = told(read(WRITTEN), changed((*C, "lists"), {"allow": ["\x1b[2J"]}))
    assert line.isprintable()


def test_more_changes_than_a_log_line_can_do_with_are_counted() -> None:
    changes = [ChangedKey(("limits", str(number)), 1, 2) for number in range(25)]
    assert lines(changes[:20])[-1] == "limits.19: 1 -> 2"
    assert lines(changes)[-2:] == ("limits.19: 1 -> 2", "and 5 more")
