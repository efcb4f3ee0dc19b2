"""Who posts a review reads it at once, while the service has not heard of it; everybody else goes on reading from the service.

The service's consumer is stopped, so what a shopper reads of their own can only come from the shop. A hundred times, by the
page's form and by the API, in stage service and in canary.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from chaos.live_data import the_consumer
from crowd.accounts import capability, wait_until
from crowd.shoppers import Crowd
from crowd.visitor import debug_header
from journeys.transcript import Answer, Visitor
from live.tables import declared, unlike
from stack import SeededData, Stack

pytestmark = pytest.mark.slow

SHOPPERS = 5
REVIEWS_EACH = 10  # in either stage
PASSWORD = "shopsmart"
LAG_S = 4.0  # more than the two seconds for which writes are remembered in any case
CAPABILITIES = {
    "catalog": {
        "upstream": "catalog",
        "stage": "service",
        "percent": 50,
        # The other side is known to be behind here.
        "compare": False,
        "routes": ["GET /api/catalog/**"],
    }
}


class Shopper:
    """Somebody who is logged in, at the proxy, and is told how each answer came about."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.name = name
        self._debug = debug_header(stack.secret)
        self._visitor = Visitor(stack.proxy_url)
        login = self._visitor.submit(
            "/account/login/", "username", {"username": name, "password": PASSWORD}
        )
        assert login.status == 302

    def close(self) -> None:
        self._visitor.close()

    def review(self, slug: str, title: str, *, by_form: bool) -> None:
        if by_form:
            review = {"rating": "4", "title": title, "body": "As described."}
            answer = self._visitor.submit(f"/product/{slug}/", "title", review)
            assert answer.status == 302, answer.body.decode()
            return
        answer = self._visitor.ask(
            "POST",
            f"/api/catalog/products/{slug}/reviews/",
            json.dumps({"rating": 4, "title": title}).encode(),
            content_type="application/json",
            x_csrftoken=self._visitor.cookies["csrftoken"],
        )
        assert answer.status == 201, answer.body.decode()

    def titles(self, slug: str) -> tuple[list[str], dict[str, str]]:
        """Of the reviews as they are told now, and the plan of that answer."""
        answer: Answer = self._visitor.ask(
            "GET", f"/api/catalog/products/{slug}/reviews/", fig_debug=self._debug
        )
        assert answer.status == 200
        found: list[dict[str, Any]] = json.loads(answer.body)["results"]
        plan = dict(word.split("=", 1) for word in answer.header("Fig-Plan").split("; "))
        return [review["title"] for review in found], plan


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, seeded: SeededData) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("own-writes") / "stack"
    with Stack.start(folder, data=seeded, capabilities=CAPABILITIES, live=True) as stack:
        yield stack


def not_reviewed_by(stack: Stack, name: str) -> list[str]:
    """The slugs of what they may review."""
    found = stack.data.monolith.rows(
        "SELECT slug FROM catalog_product p WHERE is_active AND NOT EXISTS (SELECT 1 FROM catalog_review r,"  # noqa: S608
        f" accounts_user u WHERE r.product_id = p.id AND u.id = r.author_id AND u.username = '{name}')"
        " ORDER BY id"
    )
    return [row[0] for row in found]


@contextmanager
def consumer_stopped(stack: Stack) -> Iterator[None]:
    the_consumer(stack).send(signal.SIGSTOP)
    try:
        yield
    finally:
        the_consumer(stack).send(signal.SIGCONT)


@pytest.mark.parametrize("stage", ["service", "canary"])
def test_a_shopper_reads_what_they_have_just_written_a_hundred_times(
    shop: Stack, stage: str
) -> None:
    shop.fig("set", "catalog", stage, *(["90"] if stage == "canary" else []), "--why", "a test")
    with consumer_stopped(shop), Crowd(shop, shoppers=4).browsing() as crowd:
        sides = set()
        for number in range(SHOPPERS):
            name = f"shopper{200 + 10 * number + (stage == 'canary'):03}"
            with closing(Shopper(shop, name)) as shopper:
                for turn, slug in enumerate(not_reviewed_by(shop, name)[:REVIEWS_EACH]):
                    title = f"{name} in {stage}, {turn}"
                    shopper.review(slug, title, by_form=bool(turn % 2))
                    titles, plan = shopper.titles(slug)
                    assert titles.count(title) == 1, (titles, plan)
                    sides.add(plan["side"])
        crowd.wait_for(20)
    assert sides == {"monolith"}
    assert crowd.failed == [], crowd.summary()
    others = {asked.side for asked in crowd.catalogued}
    assert "service" in others
    assert stage == "canary" or others == {"service"}


def test_it_lasts_as_long_as_the_service_is_behind(shop: Stack) -> None:
    shop.fig("set", "catalog", "service", "--why", "a test")
    columns = declared(shop)
    slug = not_reviewed_by(shop, "shopper299")[0]
    with closing(Shopper(shop, "shopper299")) as shopper:
        with consumer_stopped(shop):
            shopper.review(slug, "seen all along", by_form=False)
            wait_until(lambda: (capability(shop)["lag"]["lag_s"] or 0) > LAG_S)
            titles, plan = shopper.titles(slug)
            assert ("seen all along" in titles, plan["side"]) == (True, "monolith")
        wait_until(lambda: not unlike(shop, columns))
        # And when the service has it the shopper goes back there, and sees it still.
        wait_until(lambda: shopper.titles(slug)[1]["side"] == "service")
        assert "seen all along" in shopper.titles(slug)[0]
