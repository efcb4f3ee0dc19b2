"""What is killed while the shop's changes flow to its service, and who writes through the proxy meanwhile."""

import http.client
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from chaos.processes import has_ended, kill, pids
from crowd.accounts import is_whole, wait_until
from journeys.transcript import Visitor
from stack import Process, Stack

PAUSE_S: Final = (0.1, 0.8)
PASSWORD: Final = "shopsmart"  # of everybody that the seed makes
_FORM: Final = "application/json"

Kill = Callable[[Stack, random.Random], None]


def consumer_killed(stack: Stack, draw: random.Random) -> None:
    consumer = the_consumer(stack)
    consumer.send(signal.SIGKILL)
    consumer.wait()
    time.sleep(draw.uniform(*PAUSE_S))
    consumer.start_again()


def consumer_ended(stack: Stack, draw: random.Random) -> None:
    consumer = the_consumer(stack)
    consumer.send(signal.SIGTERM)
    # The last: it had just been started, and did not listen yet.
    assert consumer.wait() in (0, 130, -signal.SIGTERM)
    consumer.start_again()


def consumer_held(stack: Stack, draw: random.Random) -> None:
    consumer = the_consumer(stack)
    consumer.send(signal.SIGSTOP)
    time.sleep(draw.uniform(*PAUSE_S))
    consumer.send(signal.SIGCONT)


def monolith_killed(stack: Stack, draw: random.Random) -> None:
    stack.monolith.send(signal.SIGKILL)
    stack.monolith.stop()  # its workers too
    time.sleep(draw.uniform(*PAUSE_S))
    stack.monolith.start_again()


def monolith_worker_killed(stack: Stack, draw: random.Random) -> None:
    kill(draw.choice(workers_of(stack.monolith)))


def service_killed(stack: Stack, draw: random.Random) -> None:
    stack.service.send(signal.SIGKILL)
    stack.service.stop()
    stack.service.start_again()


def service_worker_killed(stack: Stack, draw: random.Random) -> None:
    kill(draw.choice(workers_of(stack.service)))


def proxy_worker_killed(stack: Stack, draw: random.Random) -> None:
    assert stack.proxy is not None
    wait_until(lambda: is_whole(stack))
    kill(draw.choice(pids(stack.proxy.facts()["children"], "worker")))


KILLS: Final[tuple[Kill, ...]] = (
    consumer_killed,
    consumer_ended,
    consumer_held,
    monolith_killed,
    monolith_worker_killed,
    service_killed,
    service_worker_killed,
    proxy_worker_killed,
)


def kill_at_random(stack: Stack, seed: int, *, rounds: int) -> Counter[str]:
    """Each of KILLS so many times, in an order and with pauses that the seed decides."""
    draw = random.Random(seed)
    order = list(KILLS) * rounds
    draw.shuffle(order)
    done: Counter[str] = Counter()
    for each in order:
        time.sleep(draw.uniform(*PAUSE_S))
        each(stack, draw)
        done[each.__name__] += 1
    assert not has_ended(the_consumer(stack).pid)
    return done


def workers_of(server: Process) -> list[int]:
    """gunicorn starts another one for each that died."""
    wait_until(server.child_pids)
    return server.child_pids()


def the_consumer(stack: Stack) -> Process:
    assert stack.consumer is not None
    return stack.consumer


class Reviewer:
    """A shopper who reviews one product after the other through the proxy, and keeps what was acknowledged."""

    def __init__(self, stack: Stack, name: str, slugs: list[str]) -> None:
        self.acknowledged: dict[str, str] = {}
        """Titles by slug."""
        self.unanswered = 0
        self._name = name
        self._slugs = slugs
        self._visitor = Visitor(stack.proxy_url)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._review_all)
        wait_until(self._has_logged_in)

    def __enter__(self) -> "Reviewer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._visitor.close()

    def _has_logged_in(self) -> bool:
        login = {"username": self._name, "password": PASSWORD}
        return self._visitor.submit("/account/login/", "username", login).status == 302

    def _review_all(self) -> None:
        for number, slug in enumerate(self._slugs):
            if self._ended.wait(0.1):
                return
            title = f"{self._name} says {number}"
            if self._is_taken(slug, title):
                self.acknowledged[slug] = title
            else:
                self.unanswered += 1

    def _is_taken(self, slug: str, title: str) -> bool:
        body = f'{{"rating": 4, "title": "{title}"}}'.encode()
        path = f"/api/catalog/products/{slug}/reviews/"
        token = self._visitor.cookies["csrftoken"]
        try:
            answer = self._visitor.ask("POST", path, body, content_type=_FORM, x_csrftoken=token)
        except (OSError, http.client.HTTPException):  # cut off: whether it was taken, nobody knows
            self._visitor.close()
            self._visitor = Visitor(self._visitor.url, self._visitor.cookies)
            return False
        # 400 and 404: slugs change hands; one product is reviewed once, and another is not sold.
        assert answer.status in (201, 400, 404, 502, 503, 504), (answer.status, answer.body)
        return answer.status == 201
