"""The shop's process is killed between any two steps of a checkout: ledger, orders and stock come to agree.

Real processes and real files; the stops are put in where the process is to be killed, and nothing else.
"""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from shopsmart.payments.tests.gateway_process import (
    APPROVED,
    BROKEN,
    CONFIRM,
    DECLINED,
    LATE,
    NEVER,
    GatewayProcess,
)
from shopsmart.payments.tests.shop_process import Shop

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="its shop is a file, whatever the tests are on"
    ),
]

ENOUGH = 21  # payments to look at after the kills
CHECKOUT = "buy(User.objects.get(username='ada'), {number!r}, key='one-key')"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path)
    yield gateway
    gateway.kill()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A pot of three in Ada's cart, many mugs, and more shoppers."""
    shop = Shop(tmp_path_factory.mktemp("template"), "http://127.0.0.1:9")
    assert shop.manage("migrate", "-v0").returncode == 0
    shop.do(
        "make_cart(make_user('ada'), {make_stocked('Pot', 3, '60.00'): 1})\n"
        "make_stocked('Mug', 500, '60.00')\n"
        "for number in range(2): make_user(f'shopper{number}')"
    )
    return shop


@pytest.fixture
def shop(template: Shop, gateway: GatewayProcess, tmp_path: Path) -> Shop:
    """Three pots in the store, one of them in Ada's cart."""
    shop = Shop(tmp_path, gateway.url)
    databases = (template.database, shop.database)
    old, new = (closing(sqlite3.connect(database)) for database in databases)
    with old as source, new as target:
        source.backup(target)
    return shop


def key_of(shop: Shop) -> str:
    """The payment's key as the gateway knows it, once the checkout's transaction is committed."""
    deadline = time.monotonic() + 30
    while not (rows := shop.read("SELECT key FROM payments_payment")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    [(key,)] = rows
    return f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"


def books(shop: Shop) -> tuple[str, str, int, int, int]:
    """The order's and the payment's state, pots on hand and reserved, and lines in the cart."""
    check_stock(shop)
    [(order,)] = shop.read("SELECT state FROM orders_order")
    [(payment,)] = shop.read("SELECT state FROM payments_payment")
    [(on_hand, reserved)] = shop.read(
        "SELECT on_hand, reserved FROM inventory_stockitem ORDER BY id LIMIT 1"
    )
    [(lines,)] = shop.read("SELECT count(*) FROM cart_cartline")
    return order, payment, on_hand, reserved, lines


def check_stock(shop: Shop) -> None:
    """What is on hand is the sum of movements, what is reserved that of what is held for orders."""
    wrong = shop.read(
        "SELECT * FROM inventory_stockitem AS stock WHERE on_hand <> (SELECT sum(delta) FROM"
        " inventory_movement AS m WHERE m.variant_id = stock.variant_id) OR reserved <> (SELECT"
        " coalesce(sum(quantity), 0) FROM inventory_reservation AS r WHERE r.variant_id ="
        " stock.variant_id AND r.state = 'held')"
    )
    assert wrong == []


PAID = ("paid", "approved", 2, 0, 0)
UNDONE = ("cancelled", "cancelled", 3, 0, 1)


def kill_checkout(shop: Shop, number: str, stop_at: str) -> None:
    """Start a checkout, wait until it reaches the step, and kill it there."""
    checkout = shop.start(f"{stop_at} = stop\n{CHECKOUT.format(number=number)}")
    assert checkout.stdout is not None
    assert checkout.stdout.readline() == "stopped\n"
    checkout.kill()
    checkout.communicate()


def test_killed_after_its_transaction_and_before_the_gateway_is_asked(
    shop: Shop, gateway: GatewayProcess
) -> None:
    kill_checkout(shop, APPROVED, "gateway.ask_charge")
    assert books(shop) == ("placed", "pending", 3, 1, 0)
    assert shop.settle() == {"payments": {"cancelled": 1}, "refunds": {}}
    assert books(shop) == UNDONE
    assert gateway.moved(key_of(shop)) == []


@pytest.mark.parametrize(("number", "end", "moved"), [(LATE, PAID, [6000]), (NEVER, UNDONE, [])])
def test_killed_while_it_waits_for_the_gateway(
    shop: Shop,
    gateway: GatewayProcess,
    number: str,
    end: tuple[str, str, int, int, int],
    moved: list[int],
) -> None:
    checkout = shop.start(CHECKOUT.format(number=number))
    if moved:
        gateway.wait_until_charged(key_of(shop))
    else:
        gateway.wait_until_holding()
    checkout.kill()
    checkout.communicate()
    assert books(shop) == ("placed", "pending", 3, 1, 0)
    for _ in range(2):  # the second time there is nothing left to do
        shop.settle()
        assert books(shop) == end
        assert gateway.moved(key_of(shop)) == moved


@pytest.mark.parametrize(
    ("number", "end", "moved"),
    [
        (APPROVED, PAID, [6000]),
        (DECLINED, ("cancelled", "declined", 3, 0, 1), []),
        (CONFIRM, ("placed", "needs_confirmation", 3, 1, 0), []),
    ],
)
def test_killed_with_the_answer_in_hand(
    shop: Shop,
    gateway: GatewayProcess,
    number: str,
    end: tuple[str, str, int, int, int],
    moved: list[int],
) -> None:
    kill_checkout(shop, number, "services._take")
    assert books(shop) == ("placed", "pending", 3, 1, 0)
    assert gateway.moved(key_of(shop)) == moved
    shop.settle()
    assert books(shop) == end
    assert gateway.moved(key_of(shop)) == moved


def test_killed_inside_its_second_transaction(shop: Shop, gateway: GatewayProcess) -> None:
    script = "import shopsmart.orders.services as all_of_it\nall_of_it.take_outcome"
    kill_checkout(shop, APPROVED, script)
    assert books(shop) == ("placed", "pending", 3, 1, 0)
    shop.settle()
    assert books(shop) == PAID
    assert gateway.moved(key_of(shop)) == [6000]


def test_a_shopper_who_tries_again_with_the_same_key_goes_on_where_it_stopped(
    shop: Shop, gateway: GatewayProcess
) -> None:
    kill_checkout(shop, APPROVED, "services._take")
    shop.do(CHECKOUT.format(number=APPROVED))
    assert books(shop) == PAID
    assert gateway.moved(key_of(shop)) == [6000]


@pytest.mark.parametrize("stop_at", ["gateway.ask_refund", "services._take_refund"])
def test_killed_before_or_after_money_was_given_back(
    shop: Shop, gateway: GatewayProcess, stop_at: str
) -> None:
    shop.do(CHECKOUT.format(number=APPROVED))
    cancel = shop.start(
        f"{stop_at} = stop\n"
        "from shopsmart.orders.services import cancel_order\n"
        "cancel_order(order=Order.objects.get(), by=None)"
    )
    assert cancel.stdout is not None
    assert cancel.stdout.readline() == "stopped\n"
    cancel.kill()
    cancel.communicate()
    was_asked = stop_at != "gateway.ask_refund"
    assert gateway.moved(key_of(shop)) == [6000, -6000][: 1 + was_asked]
    for told in ({"done": 1}, {}):
        assert shop.settle()["refunds"] == told
        assert gateway.moved(key_of(shop)) == [6000, -6000]
    assert books(shop) == ("cancelled", "approved", 3, 0, 0)


def test_killed_at_random_under_many_checkouts_ledger_orders_and_stock_agree(
    shop: Shop, gateway: GatewayProcess
) -> None:
    loop = """
from random import Random
rng, user = Random({seed}), User.objects.get(username="shopper{shopper}")
mugs = Variant.objects.latest("id")
print("stopped", flush=True)
while True:
    make_cart(user, {{mugs: 1}})
    buy(user, rng.choice({numbers!r}))
"""
    numbers = [APPROVED] * 6 + [DECLINED] * 2 + [BROKEN] * 2 + [CONFIRM]

    def shop_until_killed(shopper: int) -> None:
        rng, turn = Random(shopper), 0
        # On a machine with much else to do a turn ends before much was bought.
        while turn < 3 or shop.read("SELECT count(*) FROM payments_payment") < [(ENOUGH,)]:
            script = loop.format(seed=shopper * 10 + turn, shopper=shopper, numbers=numbers)
            running = shop.start(script)
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(rng.uniform(0.2, 1.2))  # killed at some moment: which one is the point
            running.kill()
            running.communicate()
            turn += 1

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(shop_until_killed, range(2)))
    shop.settle()

    check_stock(shop)
    payments = shop.read(
        "SELECT number, orders_order.state, payment.state, CAST(round(amount * 100) AS INTEGER)"
        " FROM payments_payment AS payment JOIN orders_order ON orders_order.id = order_id"
    )
    assert len(payments) >= ENOUGH
    allowed = {
        ("paid", "approved"),
        ("cancelled", "declined"),
        ("cancelled", "cancelled"),
        ("placed", "needs_confirmation"),
    }
    for number, order, payment, cents in payments:
        assert (order, payment) in allowed
        assert gateway.balance_of(number) == (cents if order == "paid" else 0)
    with gateway.ledger.open("rb") as ledger:
        assert APPROVED.encode() not in ledger.read()
    for file in shop.folder.glob("shop.sqlite3*"):
        assert APPROVED.encode() not in file.read_bytes()


def test_refunds_at_the_same_moment_never_exceed_the_payment(
    shop: Shop, gateway: GatewayProcess
) -> None:
    shop.do(CHECKOUT.format(number=APPROVED))
    refund = """
payment = Payment.objects.get()
print("ready", flush=True)
sys.stdin.readline()
try:
    refund = services.open_refund(payment=payment, amount=Decimal("25.00"), reason="x")
except services.ValidationError:
    print("refused")
else:
    print(services.settle_refund(refund=refund).state)
"""
    running = [shop.start(refund) for _ in range(4)]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    said = sorted(one.communicate()[0].strip() for one in running)
    assert said == ["done", "done", "refused", "refused"]
    assert gateway.moved(key_of(shop)) == [6000, -2500, -2500]
    assert shop.read("SELECT refunded FROM payments_payment") == [(50,)]
