"""How much CPU one proxied request costs, beside nginx in the same run.

Both proxies stand before the same nginx upstream, which answers with a fixed small JSON. wrk keeps 64 connections busy. The
proxy under test has one core for itself, one worker, and routes, canary and metrics on; upstream and wrk share the
other cores. What is measured is the CPU time of the one worker process, from /proc/<pid>/stat, over the requests that
wrk counted. Rounds alternate, so that a change of the machine's mood hits both.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

CONNECTIONS = 64
TARGET = "/api/catalog/products/17"
HEADERS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
    "Accept: text/html,application/json",
    "Accept-Language: en",
    "Cookie: sessionid=0123456789abcdef; csrftoken=fedcba9876543210; fig_user=AAAAAAAAAAAAAAAAAAAAAA",
)
START_S = 20.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

out = Console(highlight=False)


class Round(NamedTuple):
    """One measurement."""

    us_per_request: float
    requests_per_s: float


class Failed(Exception):  # noqa: N818
    """The benchmark can't say anything; the text says why."""


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def nginx_config(folder: Path, server: str) -> str:
    """Write an nginx configuration with one worker that touches nothing outside of ``folder``."""
    temporary = "\n".join(
        f"  {kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
{temporary}
{server}
}}
"""


def upstream_server(port: int) -> str:
    """The upstream: a fixed small JSON."""
    return f"""
  server {{
    listen 127.0.0.1:{port};
    location / {{
      default_type application/json;
      return 200 '{{"id": 17, "name": "Kettle", "price": {{"amount": "39.00", "currency": "EUR"}}}}';
    }}
  }}
"""


def proxy_server(port: int, upstream: int) -> str:
    """The proxy to compare with: keep-alive to the upstream, the forwarded headers that ours sets."""
    return f"""
  upstream shop {{
    server 127.0.0.1:{upstream};
    keepalive {CONNECTIONS};
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Request-Id $request_id;
    }}
  }}
"""


def fig_config(port: int, admin: int, upstream: int) -> str:
    """Ours: one worker, a canary at half of the users, both sides the same upstream."""
    return f"""
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
workers: 1
upstreams:
  monolith: http://127.0.0.1:{upstream}
  catalog: http://127.0.0.1:{upstream}
capabilities:
  catalog:
    upstream: catalog
    stage: canary
    percent: 50
    compare: false
    routes:
      - GET /api/catalog/**
      - GET /api/catalog/categories/{{id}}
"""


@contextlib.contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[int]:
    """Run a server until it listens on ``port``, give its pid, and end it with everything it started."""
    log = (folder / f"{Path(command[0]).name}-{port}.log").open("wb")
    process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + START_S
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                text = Path(log.name).read_text(errors="replace")[-2000:]
                raise Failed(f"{' '.join(command)} did not start:\n{text}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def answers(port: int) -> bool:
    """Whether the target can be fetched."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{TARGET}", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def worker_of(pid: int, mark: str) -> int:
    """Find the child of ``pid`` whose command line holds ``mark``."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if parent == pid and mark in words:
                return int(entry.name)
    raise Failed(f"no process with {mark!r} below {pid}")


def cpu_s(pid: int) -> float:
    """CPU time of one process so far, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def measure(port: int, pid: int, seconds: int) -> Round:
    """Load ``port`` for some seconds and divide the CPU time of ``pid`` by the requests."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}"]
    for header in HEADERS:
        command += ["-H", header]
    before = cpu_s(pid)
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{TARGET}"], capture_output=True, text=True, check=True
    ).stdout
    used = cpu_s(pid) - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise Failed(f"wrk saw errors:\n{said}")
    match = re.search(r"(\d+) requests in ([\d.]+)s", said)
    if match is None:
        raise Failed(f"wrk said nothing of requests:\n{said}")
    requests = int(match[1])
    return Round(used / requests * 1e6, requests / float(match[2]))


def run(rounds: int, seconds: int, folder: Path) -> dict[str, list[Round]]:
    """Start everything and measure in turns; the first turn of each only warms up."""
    cores = sorted(os.sched_getaffinity(0))
    mine, others = {cores[0]}, set(cores[1:]) or {cores[0]}
    os.sched_setaffinity(0, others)
    upstream, nginx, fig, admin = (free_port() for _ in range(4))
    fig_command = Path(sys.executable).with_name("fig")
    files = {
        "upstream.conf": nginx_config(folder / "upstream", upstream_server(upstream)),
        "proxy.conf": nginx_config(folder / "proxy", proxy_server(nginx, upstream)),
        "fig.yaml": fig_config(fig, admin, upstream),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "upstream").mkdir()
    (folder / "proxy").mkdir()
    with contextlib.ExitStack() as stack:

        def start(command: list[str], port: int) -> int:
            return stack.enter_context(running(command, folder, port))

        start(["nginx", "-e", "stderr", "-c", str(folder / "upstream.conf")], upstream)
        nginx_pid = start(["nginx", "-e", "stderr", "-c", str(folder / "proxy.conf")], nginx)
        fig_pid = start([str(fig_command), "serve", "--config", str(folder / "fig.yaml")], fig)
        tested = {
            "nginx": (nginx, worker_of(nginx_pid, "worker process")),
            "stranglerfig": (fig, worker_of(fig_pid, "stranglerfig.server.worker")),
        }
        for _, pid in tested.values():
            os.sched_setaffinity(pid, mine)
        measured: dict[str, list[Round]] = {name: [] for name in tested}
        for turn in range(rounds + 1):
            for name, (port, pid) in tested.items():
                result = measure(port, pid, seconds if turn else 1)
                if turn:
                    measured[name].append(result)
                    out.print(
                        f"round {turn}: {name:12} {result.us_per_request:6.1f} µs  {result.requests_per_s:8.0f} requests/s"
                    )
        return measured


def summary(measured: dict[str, list[Round]]) -> dict[str, dict[str, float]]:
    """Median and spread of each proxy."""
    return {
        name: {
            "us_per_request_median": statistics.median(each.us_per_request for each in rounds),
            "us_per_request_min": min(each.us_per_request for each in rounds),
            "us_per_request_max": max(each.us_per_request for each in rounds),
            "requests_per_s_median": statistics.median(each.requests_per_s for each in rounds),
        }
        for name, rounds in measured.items()
    }


def main() -> int:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each round")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, too")
    arguments = parser.parse_args()
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing or not Path("/proc/self/stat").exists():
        out.print(
            f"Nothing measured: {' and '.join(missing) or '/proc'} is missing on this machine."
        )
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="fig-bench-") as folder:
            result = summary(run(arguments.rounds, arguments.seconds, Path(folder)))
    except Failed as failed:
        out.print(f"[red]{failed}[/]", soft_wrap=True)
        return 1
    table = Table(title=f"CPU per request, wrk with {CONNECTIONS} kept connections, one core")
    for column in ("", "median µs", "min–max µs", "requests/s"):
        table.add_column(column, justify="right" if column else "left")
    for name, numbers in result.items():
        table.add_row(
            name,
            f"{numbers['us_per_request_median']:.1f}",
            f"{numbers['us_per_request_min']:.1f}–{numbers['us_per_request_max']:.1f}",
            f"{numbers['requests_per_s_median']:.0f}",
        )
    out.print(table)
    if arguments.json:
        out.print_json(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
