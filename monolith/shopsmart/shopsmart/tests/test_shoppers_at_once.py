"""Twenty shoppers at once: a real gunicorn, real logins, and nobody hears "locked" or "deadlock detected"."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests

# Twenty at once on a machine that may have much else to do.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HERE = Path(__file__).resolve().parents[2]
SHOPPERS = 20
ROUNDS = 10
START_TIMEOUT_S = 100


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """The URL of a new database: on the server that the tests run on, else a file."""
    given = urlsplit(os.environ.get("DATABASE_URL", ""))
    if given.scheme != "postgresql":
        yield f"sqlite:///{tmp_path}/shop.sqlite3"
        return
    import psycopg

    with closing(psycopg.connect(urlunsplit(given), autocommit=True)) as server:
        server.execute("CREATE DATABASE twenty_shoppers")
        yield urlunsplit(given._replace(path="/twenty_shoppers"))
        server.execute("DROP DATABASE twenty_shoppers WITH (FORCE)")


def ask(database: str, query: str) -> list[tuple[object, ...]]:
    """By plain SQL, past the shop."""
    parts = urlsplit(database)
    if parts.scheme == "sqlite":
        with closing(sqlite3.connect(parts.path)) as connection:
            return connection.execute(query).fetchall()
    import psycopg

    with closing(psycopg.connect(database)) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def environment(database: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database,
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
    shop: str, environment: dict[str, str], database: str, tmp_path: Path
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
    log = (tmp_path / "gunicorn.log").read_text()
    assert "locked" not in log
    assert "deadlock" not in log

    # No review was lost on the way to its product's rating.
    wrong = ask(
        database,
        "SELECT id, rating_count FROM catalog_product WHERE rating_count <> (SELECT count(*)"
        " FROM catalog_review WHERE product_id = catalog_product.id AND is_published)",
    )
    assert wrong == []
    if database.startswith("sqlite:"):
        assert ask(database, "PRAGMA journal_mode") == [("wal",)]
