"""Twenty shoppers at once on SQLite: a real gunicorn, real logins, and nobody hears "locked"."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parents[2]
SHOPPERS = 20
ROUNDS = 10
START_TIMEOUT_S = 30


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.sqlite3",
        "MEDIA_ROOT": f"{tmp_path}/media",
        "LOG_LEVEL": "ERROR",
    }


def manage(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=HERE, env=environment, check=True, capture_output=True)


@pytest.fixture
def shop(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The URL of a running shop with 64 products."""
    manage(environment, "migrate")
    manage(environment, "seed", "--products", "64")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://127.0.0.1:{1}".format(*listener.getsockname())
        log = (tmp_path / "gunicorn.log").open("wb")
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "shopsmart.wsgi"),
                *("--bind", f"fd://{listener.fileno()}"),
            ],
            cwd=HERE,
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            # The socket listens already: the first request just waits for the first worker.
            requests.get(f"{url}/api/catalog/brands/", timeout=START_TIMEOUT_S)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)
            log.close()


def shop_around(url: str, number: int) -> Counter[str]:
    """Log in, then read and review; gives how often each kind of answer came."""
    seen: Counter[str] = Counter()
    with requests.Session() as session:
        session.get(f"{url}/account/login/", timeout=60)
        login = {
            "username": f"shopper{number:03d}",
            "password": "shopsmart",
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        answer = session.post(f"{url}/account/login/", login, allow_redirects=False, timeout=60)
        seen[f"login {answer.status_code}"] += 1
        products = session.get(f"{url}/api/catalog/products/", timeout=60).json()["results"]
        for product in products[:ROUNDS]:  # the same ones for all: they meet at the same rows
            page = f"{url}/api/catalog/products/{product['slug']}/"
            seen[f"read {session.get(page, timeout=60).status_code}"] += 1
            answer = session.post(
                f"{page}reviews/",
                json={"rating": number % 5 + 1, "title": "Seen"},
                headers={"X-CSRFToken": session.cookies["csrftoken"]},
                timeout=60,
            )
            known = answer.status_code == 400 and "already" in answer.text
            seen["review known" if known else f"review {answer.status_code}"] += 1
            seen[f"read {session.get(page + 'reviews/', timeout=60).status_code}"] += 1
    return seen


def test_twenty_shoppers_read_and_review_at_once(
    shop: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with ThreadPoolExecutor(SHOPPERS) as threads:
        running = [threads.submit(shop_around, shop, n + 1) for n in range(SHOPPERS)]
        manage(environment, "reprice", "--percent", "3")  # the night falls meanwhile
        seen = sum((one.result() for one in running), Counter[str]())

    assert set(seen) <= {"login 302", "read 200", "review 201", "review known"}
    assert seen["login 302"] == SHOPPERS
    assert seen["read 200"] == 2 * SHOPPERS * ROUNDS
    assert seen["review 201"] + seen["review known"] == SHOPPERS * ROUNDS
    assert seen["review 201"] > SHOPPERS * ROUNDS / 2
    assert "locked" not in (tmp_path / "gunicorn.log").read_text()

    # No review was lost on the way to its product's rating.
    with sqlite3.connect(tmp_path / "shop.sqlite3") as database:
        wrong = database.execute(
            "SELECT id, rating_count FROM catalog_product WHERE rating_count <> (SELECT count(*)"
            " FROM catalog_review WHERE product_id = catalog_product.id AND is_published)"
        ).fetchall()
        mode = database.execute("PRAGMA journal_mode").fetchone()
    database.close()
    assert wrong == []
    assert mode == ("wal",)
