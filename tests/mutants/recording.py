"""Which answers are recorded: of every part of the shop, for guests, a shopper and staff, and of a few writes."""

from collections.abc import Iterator
from dataclasses import dataclass

from planted.bug import Step, get, send, submit
from planted.bugs import LOGIN
from planted.shops import ACCOUNTANT, Pair, TwoShops
from planted.words import SHOPPER, STOCK_KEEPER

from mutants.answer import Recorded

Session = tuple[str, tuple[Step, ...]]

GUEST_READS = (
    get("/"),
    get("/category/{leaf}/"),
    get("/product/{accented}/"),
    get("/product/{ampersand}/"),
    get("/product/{accented}", 301),
    get("/product/nothing/", 404),
    get("/search/?q=oak&sort=price"),
    get("/account/", 302),
    get("/account/login/?next=/orders/"),
    get("/cart/"),
    get("/robots.txt"),
    get("/api/catalog/categories/"),
    get("/api/catalog/categories/{leaf}/"),
    get("/api/catalog/brands/"),
    get("/api/catalog/products/"),
    get("/api/catalog/products/?category={leaf}&page_size=2&page=2&ordering=-price"),
    get("/api/catalog/products/?q=nothing-at-all"),
    get("/api/catalog/products/?min_price=cheap&rating=9", 400),
    get("/api/catalog/products/{accented}/"),
    get("/api/catalog/products/{repriced}/prices/"),
    get("/api/catalog/products/{accented}/reviews/?page_size=5"),
    get("/api/catalog/suggest/?q=al"),
    get("/api/catalog/nothing/", 404),
    get("/api/inventory/{sku}/"),
    get("/api/account/", 401),
)
GUEST_WRITES = (
    get("/api/cart/"),
    send("POST", "/api/cart/lines/", {"sku": "{sku}", "quantity": 2}, 201),
    send("PUT", "/api/cart/promotion/", {"promotion_code": "WELCOME10"}),
    get("/cart/"),
)
SHOPPER_READS = (
    get("/account/"),
    get("/account/addresses/"),
    get("/account/inbox/"),
    get("/orders/"),
    get("/orders/{order}/"),
    get("/api/account/"),
    get("/api/account/addresses/"),
    get("/api/orders/?page_size=3"),
    get("/api/orders/{order}/"),
    get("/api/payments/"),
    get("/api/reports/sales/", 403),
)
SHOPPER_WRITES = (
    send("PATCH", "/api/account/", {"display_name": "Ada Lovelace"}),
    submit("/account/", "display_name", {"display_name": "Ada"}),
    get("/account/"),
    submit("/account/", "csrfmiddlewaretoken", {}),
)
STAFF_READS = (
    get("/api/inventory/{sku}/stock/"),
    get("/api/inventory/{sku}/movements/"),
)
PERIOD = "by=category&first=2026-01-01&last=2026-05-31"
ACCOUNTS_READS = (
    get(f"/reports/sales/?{PERIOD}"),
    get(f"/reports/sales.csv?{PERIOD}"),
    get(f"/api/reports/sales/?{PERIOD}"),
)
READS: tuple[Session, ...] = (
    ("", GUEST_READS),
    (SHOPPER, SHOPPER_READS),
    (STOCK_KEEPER, STAFF_READS),
    (ACCOUNTANT, ACCOUNTS_READS),
)
WRITES: tuple[Session, ...] = (("", GUEST_WRITES), ("", (LOGIN,)), (SHOPPER, SHOPPER_WRITES))


@dataclass(frozen=True)
class Asked:
    """One request, and what both shops answered."""

    asked: str
    pair: Pair

    @property
    def recorded(self) -> Recorded:
        """The control's answer."""
        return Recorded(self.asked, self.pair[0])


def record(shops: TwoShops, sessions: tuple[Session, ...] = (*READS, *WRITES)) -> Iterator[Asked]:
    """Tell every session to both shops."""
    for visitor, session in sessions:
        for step, pair in zip(session, shops.tell(session, visitor), strict=True):
            yield Asked(f"{step.method} {step.path}", pair)
