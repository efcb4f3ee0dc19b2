"""What was observed in the last minutes."""

from stranglerfig.control.lately import EVERY_S, WINDOW_S, Lately
from stranglerfig.counters import Key
from stranglerfig.counters.names import BUCKET_SUFFIX, DURATION, REQUESTS


def requests(count: int, capability: str = "catalog", side: str = "service", status: str = "2xx") -> dict[Key, int]:  # fmt: skip
    labels = {"capability": capability, "side": side, "stage": "canary", "status": status}
    return {(REQUESTS, tuple(sorted(labels.items()))): count}


def bucket(le: str, count: int) -> dict[Key, int]:
    labels = {"capability": "catalog", "side": "service", "stage": "canary", "le": le}
    return {(DURATION + BUCKET_SUFFIX, tuple(sorted(labels.items()))): count}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.counts: dict[Key, int] = {}
        self.lately = Lately(lambda: self.counts, lambda: self.now)

    def look(self) -> None:
        self.lately.take(self.counts)

    def seen(self) -> tuple[float, int]:
        observed = self.lately.observed("catalog")
        return observed["seconds"], observed["sides"]["service"]["requests"]


def test_what_was_counted_before_the_first_look_is_not_of_late() -> None:
    clock = Clock()
    clock.counts = requests(1000)
    assert clock.seen() == (0, 0)
    clock.look()
    clock.counts = requests(1004)
    clock.now += 7
    assert clock.seen() == (7, 4)


def test_looks_that_are_too_old_are_forgotten() -> None:
    clock = Clock()
    for number in range(100):
        clock.counts = requests(10 * number)
        clock.look()
        clock.now += EVERY_S
    seconds, count = clock.seen()
    assert WINDOW_S <= seconds <= WINDOW_S + 2 * EVERY_S
    assert count == (seconds / EVERY_S - 1) * 10
    assert len(clock.lately._looks) <= WINDOW_S / EVERY_S + 2


def test_sides_statuses_and_latencies_are_kept_apart() -> None:
    clock = Clock()
    clock.look()
    clock.counts = {
        **requests(3), **requests(1, status="5xx"), **requests(2, side="monolith"), **requests(9, "other"),
        **bucket("0.01", 3), **bucket("1", 1), ("connections", ()): 7,
    }  # fmt: skip
    sides = clock.lately.observed("catalog")["sides"]
    assert sides["service"]["by_status"] == {"2xx": 3, "5xx": 1}
    assert 7.5 < sides["service"]["p50_ms"] <= 10
    assert 500 < sides["service"]["p99_ms"] <= 1000
    assert sides["monolith"] == {"requests": 2, "by_status": {"2xx": 2}, "p50_ms": None, "p99_ms": None}  # fmt: skip
