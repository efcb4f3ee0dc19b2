"""The demo as a newcomer runs it. It needs its own ports (see compose/), and says which one is taken."""

import re
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
STAGES = ["monolith", "shadow", "canary 10 %", "canary 50 %", "service", "monolith"]
PORTS = (8000, 8001, 8100, 8190, 8211)


def test_every_step_of_the_walk_holds_and_nothing_is_left_running() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--once"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(
        r"^(monolith|shadow|canary \d+ %|service) .* agree *$", done.stdout, re.MULTILINE
    )
    assert rows == STAGES
    assert "every step held" in done.stdout
    (arrived_ms,) = re.findall(r"answers with it (\d+) ms after the commit", done.stdout)
    assert int(arrived_ms) > 0  # how soon it must be there is test_price_changes.py's to say
    money = re.findall(
        r"^(?:customers were told|the shop's orders say|the gateway's ledger holds) +(.*?) *$",
        done.stdout,
        re.MULTILINE,
    )
    assert len(money) == 3
    assert len(set(money)) == 1
    charged, refunded, kept = (Decimal(word.replace(",", "")) for word in money[0].split())
    assert charged > refunded > 0
    assert charged - refunded == kept
    (paid,) = re.findall(r"^(\d+) orders paid, \d+ of them cancelled", done.stdout, re.MULTILINE)
    assert int(paid) > 5
    for port in PORTS:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"somebody still listens on {port}"
