"""One system for all parity cases, and the ways that lead to the catalogue in it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from behaviour.asking import ask
from behaviour.cases import Words
from stack import SeededData, Stack

STAGES = {"proxy in monolith": "monolith", "proxy in shadow": "shadow", "proxy in canary": "canary",
          "proxy in service": "service"}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One way to the catalogue, held against the monolith's own answers."""

    name: str
    url: str
    stack: Stack
    """Whose access logs tell who was asked."""

    @property
    def is_proxy(self) -> bool:
        return self.name in STAGES


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, seeded: SeededData) -> Iterator[Stack]:
    with Stack.start(tmp_path_factory.mktemp("parity") / "stack", data=seeded) as stack:
        yield stack


ON_POSTGRESQL = ("service on PostgreSQL", "monolith on PostgreSQL")

# The fast suite asks the service alone; every stage of the proxy is asked by the slow one.
THROUGH_THE_PROXY = [pytest.param(name, marks=pytest.mark.slow) for name in STAGES]
COMPARED = [
    pytest.param(name, marks=pytest.mark.slow)
    for name, stage in STAGES.items()
    if stage != "monolith"
]


OTHER_DATABASE = [pytest.param(name, marks=pytest.mark.slow) for name in ON_POSTGRESQL]


@pytest.fixture(scope="session")
def stack_on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, seeded_on_postgresql: SeededData
) -> Iterator[Stack]:
    """The same shop, seeded and copied there: every row is the same, who sorts and searches is another."""
    folder = tmp_path_factory.mktemp("parity-on-postgresql") / "stack"
    with Stack.start(folder, data=seeded_on_postgresql, with_proxy=False) as stack:
        yield stack


@pytest.fixture(scope="session", params=["service", *OTHER_DATABASE, *THROUGH_THE_PROXY])
def target(request: pytest.FixtureRequest, stack: Stack) -> Target:
    name: str = request.param
    if name == "service":
        return Target(name, stack.service_url, stack)
    if name in ON_POSTGRESQL:
        other: Stack = request.getfixturevalue("stack_on_postgresql")
        url = other.service_url if name.startswith("service") else other.monolith_url
        return Target(name, url, other)
    percent = ["50"] if name == "proxy in canary" else []
    stack.fig("set", "catalog", STAGES[name], *percent, "--why", "parity")
    return Target(name, stack.proxy_url, stack)


@pytest.fixture(scope="session")
def words(stack: Stack) -> Words:
    """Picked from the shop's own answers, so that no case hangs on a name of the seed."""

    def get(path: str) -> object:
        return json.loads(ask(stack.monolith_url, "GET", f"/api/catalog{path}").body)

    def results(path: str) -> list[dict[str, object]]:
        page = get(path)
        assert isinstance(page, dict)
        found: list[dict[str, object]] = page["results"]
        return found

    categories = get("/categories/")
    assert isinstance(categories, list)
    parents = {category["parent"] for category in categories}
    products = results("/products/?page_size=100")
    by_reviews = max(products, key=lambda product: product["rating"]["count"])  # type: ignore[index]
    repriced = next(
        product for product in products if len(results(f"/products/{product['slug']}/prices/")) > 1
    )
    brand = next(product["brand"] for product in products if product["brand"])
    assert isinstance(brand, dict)
    leaf = next(c for c in categories if c["slug"] not in parents and c["product_count"])
    return Words(
        product=str(products[0]["slug"]),
        reviewed=str(by_reviews["slug"]),
        repriced=str(repriced["slug"]),
        top=next(c["slug"] for c in categories if c["slug"] in parents),
        leaf=leaf["slug"],
        brand=brand["slug"],
        word=str(products[0]["name"]).split()[0],
    )
