"""Three witnesses of the same requests: the shoppers, the proxy's counters, the upstreams' own access logs."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

import requests
from crowd.shoppers import CATALOGUE
from crowd.visitor import Asked
from prometheus_client.parser import text_string_to_metric_families
from stack import AccessLine, Stack

SETTLE_WITHIN_S: Final = 60.0
_LOGGED_WITHIN_S: Final = 30.0

Samples = dict[tuple[str, frozenset[tuple[str, str]]], int]


def wait_until(
    condition: Callable[[], object], explain: Callable[[], object] = str, within_s: float = 60.0
) -> None:
    """Until the condition holds; fails with `explain()` when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)


def status(stack: Stack) -> dict[str, Any]:
    """What the admin API says runs."""
    answer = requests.get(f"{stack.admin_url}/api/status", timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def capability(stack: Stack) -> dict[str, Any]:
    """The same of the catalogue."""
    (found,) = status(stack)["capabilities"]
    assert isinstance(found, dict)
    return found


def is_whole(stack: Stack) -> bool:
    """Whether every worker and the comparer are at work."""
    now = status(stack)
    return all(process["up"] for process in (*now["workers"], now["comparer"]))


def settled(stack: Stack) -> dict[str, Any]:
    """The catalogue's account of comparison when nothing is under way; both its sums are checked."""

    def account() -> dict[str, Any]:
        found: dict[str, Any] = capability(stack)["comparison"]
        return found

    def is_settled() -> bool:
        now = account()
        return now["waiting"] == now["under_way"] == 0

    wait_until(is_settled, account, SETTLE_WITHIN_S)
    found = account()
    results = sum(
        found[name] for name in ("equal", "different", "ignored", "lag", "noise", "no_answer")
    )
    skipped, lost = sum(found["skipped"].values()), sum(found["lost"].values())
    assert found["asked"] == found["teed"] + sum(found["not_teed"].values()), found
    assert found["teed"] == results + skipped + lost, found
    return found


def metrics(stack: Stack, family: str) -> Counter[tuple[str, ...]]:
    """One family of `/metrics` by the values of its labels, in the order of their names."""
    text = requests.get(f"{stack.admin_url}/metrics", timeout=30).text
    found: Counter[tuple[str, ...]] = Counter()
    for each in text_string_to_metric_families(text):
        if each.name == family:
            for sample in each.samples:
                found[tuple(value for _, value in sorted(sample.labels.items()))] = int(
                    sample.value
                )
    return +found


def by_users(lines: Iterable[AccessLine]) -> list[AccessLine]:
    """What came through the proxy on behalf of a shopper."""
    return [line for line in lines if line.request_id is not None and not line.is_shadow]


def logged(stack: Stack, monolith: int, service: int) -> tuple[list[AccessLine], list[AccessLine]]:
    """Both logs' lines of users, when there are as many as expected: a line follows its answer by a moment."""

    def read() -> tuple[list[AccessLine], list[AccessLine]]:
        return by_users(stack.monolith.access()), by_users(stack.service.access())

    def are_there() -> bool:
        first, second = read()
        return len(first) >= monolith and len(second) >= service

    wait_until(are_there, lambda: [len(lines) for lines in read()], _LOGGED_WITHIN_S)
    return read()


def assert_all_accounts_agree(stack: Stack, asked: list[Asked]) -> None:
    """Of a proxy that nobody else has used, and of which no process was killed."""
    saw = Counter((each.plan["capability"], each.plan["stage"], each.side) for each in asked)
    counted: Counter[tuple[str, str, str]] = Counter()
    for (name, side, stage, status_class), count in metrics(stack, "fig_requests").items():
        assert status_class == "2xx", (name, stage, side, status_class, count)
        counted[name, stage, side] += count
    assert counted == saw

    sides = Counter(each.side for each in asked)
    monolith, service = logged(stack, sides["monolith"], sides["service"])
    assert (len(monolith), len(service)) == (sides["monolith"], sides["service"])
    claimed = [line for line in monolith if line.target.startswith(CATALOGUE)]
    assert len(claimed) == sum(n for (name, _, side), n in saw.items() if (name, side) == ("catalog", "monolith"))  # fmt: skip
    assert_asked_once([*monolith, *service])


def assert_asked_once(lines: list[AccessLine]) -> None:
    """No request of a user reached an upstream twice, nor two of them."""
    assert {line.status for line in lines} == {200}
    twice = [name for name, n in Counter(line.request_id for line in lines).items() if n > 1]
    assert twice == []


def assert_shadows_are_logged(stack: Stack, account: dict[str, Any]) -> None:
    """Each answer that was compared was asked for exactly once, marked, and each question to settle it is counted."""
    compared = sum(account[name] for name in ("equal", "different", "ignored", "lag", "noise"))
    compared += sum(account["asked_again"].values())

    def shadows() -> int:
        return sum(line.is_shadow for line in (*stack.monolith.access(), *stack.service.access()))

    wait_until(lambda: shadows() >= compared, lambda: (shadows(), compared), _LOGGED_WITHIN_S)
    assert shadows() == compared
