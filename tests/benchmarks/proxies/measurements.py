"""How each kind of case is measured: one proxy, one round, some figures."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass

from benchmarks.figures import quantile
from benchmarks.load.bodies import FILES, exchange
from benchmarks.load.clients import TIMEOUT_S, ask_client, client
from benchmarks.load.open_loop import Order, Report, paced
from benchmarks.load.processes import Failed
from benchmarks.peers.peer import Refused
from benchmarks.proxies.bench import Measured, Proxy
from benchmarks.proxies.spread import cpu_s_per_gib, cpu_us_per_request

CONNECTIONS = 64
IDLE = 10_000
BETWEEN_RELOADS_S = 0.5
CALIBRATION_S = 1.0
MIB = 1 << 20
WORKER, COMPARER = "server.worker", "compare.process"


@dataclass(frozen=True, slots=True)
class Settings:
    """How long."""

    rounds: int
    seconds: float


def saturated(
    proxy: Proxy, settings: Settings, of: str, connections: int, size: int
) -> dict[str, float]:
    """As much as it takes of one kind of exchange."""
    measured = proxy.saturate(of, connections=connections, seconds=settings.seconds)
    figures = _of(measured, proxy)
    if size:
        figures["cpu_s_per_gib"] = cpu_s_per_gib(measured.all_cpu_s, measured.requests, size)
    return figures


def _of(measured: Measured, proxy: Proxy) -> dict[str, float]:
    return {
        "cpu_us": cpu_us_per_request(measured.all_cpu_s, measured.requests),
        "requests_per_s": measured.requests / measured.seconds,
        "busy_percent": measured.all_cpu_s / measured.seconds * 100,
        "pss_mib": proxy.running.pss_bytes() / MIB,
    }


def fetched(proxy: Proxy, settings: Settings, rates: dict[str, float]) -> dict[str, float]:
    """Bodies of 100 MiB, one at a time."""
    requests, answer = proxy.files(exchange("100m"))
    order = {"port": proxy.place.port, "requests": str(requests), "answer": str(answer), "seconds": settings.seconds}  # fmt: skip
    with proxy.account() as used:
        told = ask_client("benchmarks.load.fetch", order, proxy.cores.load)
    measured = Measured(told["requests"], told["seconds"], used)
    return _of(measured, proxy) | {
        "cpu_s_per_gib": cpu_s_per_gib(measured.all_cpu_s, measured.requests, FILES["100m"])
    }


def half_of_saturating(proxy: Proxy, key: str, rates: dict[str, float]) -> float:
    """Requests a second; measured once for each ``key``, then remembered."""
    if key not in rates:
        measured = proxy.saturate("small", connections=CONNECTIONS, seconds=CALIBRATION_S)
        rates[key] = measured.requests / measured.seconds / 2
    return rates[key]


def _order(proxy: Proxy, rate: float, seconds: float, *, tolerant: bool = False) -> Order:
    requests, answer = proxy.files(exchange("small"))
    return Order(
        proxy.place.port, str(requests), str(answer), rate, seconds, CONNECTIONS, tolerant=tolerant
    )


def _latency(report: Report) -> dict[str, float]:
    if not report.latencies_us:
        raise Failed("no request was answered")
    return {
        "p50_us": quantile(report.latencies_us, 0.5),
        "p99_us": quantile(report.latencies_us, 0.99),
        "max_us": max(report.latencies_us),
        "late_p99_us": quantile(report.late_us, 0.99) if report.late_us else 0.0,
        "waited": report.waited,
        "lost": report.lost,
        "wrong": report.wrong,
    }


def _answered(order: Order, report: Report) -> int:
    """All that was answered, those of the warm-up too: the CPU time is of all."""
    return int((order.seconds + order.warm_up_s) * order.rate) - report.lost - report.wrong


def paced_at_half(proxy: Proxy, settings: Settings, rates: dict[str, float]) -> dict[str, float]:
    """A constant rate, half of what this proxy takes."""
    rate = half_of_saturating(proxy, proxy.name, rates)
    order = _order(proxy, rate, settings.seconds)
    with proxy.account() as used:
        report = paced(order, proxy.cores.load)
    return _latency(report) | {
        "offered_per_s": rate,
        "cpu_us": cpu_us_per_request(sum(used.values()), _answered(order, report)),
    }


def reloaded(proxy: Proxy, settings: Settings, rates: dict[str, float]) -> dict[str, float]:
    """The same, with its configuration read anew again and again. What goes wrong is counted, not the end of the run."""
    order = _order(
        proxy, half_of_saturating(proxy, proxy.name, rates), settings.seconds, tolerant=True
    )
    reloads = 0
    with proxy.account() as used, ThreadPoolExecutor(1) as pool:
        running = pool.submit(paced, order, proxy.cores.load)
        while not wait_for([running], timeout=BETWEEN_RELOADS_S).done:
            try:
                proxy.peer.reload(proxy.running.pid, proxy.job, proxy.place)
            except (Refused, OSError, subprocess.SubprocessError) as error:
                raise Failed(f"reload {reloads + 1}: {error}") from None
            reloads += 1
        report = running.result()
    return _latency(report) | {
        "reloads": reloads,
        "cpu_us": cpu_us_per_request(sum(used.values()), _answered(order, report)),
    }


def shadowed(proxy: Proxy, settings: Settings, rates: dict[str, float]) -> dict[str, float]:
    """One and the same rate for all variants, half of what the first of them takes; worker and comparer apart."""
    proxy.running.find(COMPARER).cpu_affinity(proxy.cores.load)
    # Less than half: what is compared comes on top, at the upstream too.
    rate = half_of_saturating(proxy, "shadow", rates) / 2
    order = _order(proxy, rate, settings.seconds)
    with proxy.account() as used:
        report = paced(order, proxy.cores.load)
    answered = _answered(order, report)
    return _latency(report) | {
        "offered_per_s": rate,
        "worker_us": cpu_us_per_request(used[WORKER], answered),
        "comparer_us": cpu_us_per_request(used[COMPARER], answered),
    }


def idle(proxy: Proxy, settings: Settings, rates: dict[str, float]) -> dict[str, float]:
    """Memory of the proxy's processes with many connections that do nothing, less what it was without them."""
    requests, answer = proxy.files(exchange("small"))
    order = {"port": proxy.place.port, "connections": IDLE, "requests": str(requests), "answer": str(answer)}  # fmt: skip
    before = proxy.running.pss_bytes()
    with client("benchmarks.load.idle", proxy.cores.load) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        is_ready = process.stdout.readline() == "ready\n"
        after = proxy.running.pss_bytes()
        _, words = process.communicate(timeout=TIMEOUT_S)
        if not is_ready or process.returncode != 0:
            raise Failed(words.strip() or "the connections could not be held")
    return {
        "kib_each": (after - before) / IDLE / 1024,
        "before_mib": before / MIB,
        "after_mib": after / MIB,
    }
