"""Where limits are counted. With Redis it is one count for all processes: tried with a real one."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from shopsmart import cache_url
from shopsmart.accounts import throttling
from shopsmart.cache_url import cache_from_url

COUNT = """
import django; django.setup()
from shopsmart.accounts.throttling import count
print(sum(count("api", "ada").is_allowed for _ in range(30)))
"""
HERE = Path(__file__).resolve().parents[2]


def test_a_cache_of_ones_own_or_one_for_all() -> None:
    own = cache_from_url("locmem:")
    assert own["BACKEND"].endswith("LocMemCache")
    assert own["OPTIONS"]["MAX_ENTRIES"] == 50_000
    shared = cache_from_url("redis://me:secret@cache.example:6379/1")
    assert shared["BACKEND"].endswith("RedisCache")
    assert shared["LOCATION"] == "redis://me:secret@cache.example:6379/1"


@pytest.mark.parametrize("url", ["", "locmem://x", "memcached://x", "redis:", "redis:///0", "x"])
def test_what_can_not_be_understood_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CACHE_URL"):
        cache_from_url(url)


def test_redis_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_url, "find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match=r"pip install 'shopsmart\[redis\]'"):
        cache_from_url("redis://cache.example")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis server of its own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server here")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except ConnectionRefusedError:
                assert server.poll() is None
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.slow
def test_processes_with_one_redis_count_together(redis: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "CACHE_URL": redis,
        "THROTTLES": "api=40/d",
        "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3",
        "DJANGO_SETTINGS_MODULE": "shopsmart.settings",
    }
    counting = [
        subprocess.Popen(
            [sys.executable, "-c", COUNT], cwd=HERE, env=environment, text=True, stdout=-1
        )
        for _ in range(3)
    ]
    allowed = [int(process.communicate(timeout=60)[0]) for process in counting]
    assert sum(allowed) == 40


def test_a_redis_that_is_gone_stops_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {**settings.CACHES, "away": cache_from_url("redis://127.0.0.1:1/0")}
    monkeypatch.setattr(throttling, "cache", caches["away"])
    assert throttling.count("api", "ada").is_allowed
    assert "nothing is limited" in caplog.text
