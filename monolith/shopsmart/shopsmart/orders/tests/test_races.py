"""Who comes second: real processes and threads at once, on the database that the tests are on.

Money is read from the gateway's ledger. Run with DATABASE_URL for PostgreSQL, whose locks are finer.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsmart.notifications.tests.own_shop import OwnShop, own_shop
from shopsmart.orders.tests.race import do, race
from shopsmart.payments.tests.gateway_process import GatewayProcess

# Processes and databases are made and dropped for each; on a busy machine that takes its time.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SHOPPERS = 12
MAKE_SHOPPERS = f"shoppers = [make_user(f'shopper{{n}}') for n in range({SHOPPERS})]\n"
BUY = "def act(n):\n    return buy(User.objects.get(username=f'shopper{n}')).state\n"


@pytest.fixture(scope="module")
def empty_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnShop]:
    with own_shop(tmp_path_factory.mktemp("empty")) as shop:
        yield shop


@pytest.fixture
def shop(empty_shop: OwnShop, running_gateway: GatewayProcess, tmp_path: Path) -> Iterator[OwnShop]:
    """A shop of this one test that pays at the running gateway."""
    environment = {
        "CARD_GATEWAY_URL": running_gateway.url,
        "CARD_GATEWAY_READ_TIMEOUT": "30",
        "MAIL_AT_ONCE": "0",
    }
    with own_shop(tmp_path, like=empty_shop, **environment) as shop:
        yield shop


def balance(shop: OwnShop, gateway: GatewayProcess) -> dict[str, int]:
    """The cents that the gateway holds of each order, by number; the books of the shop are looked over, too."""
    keys = do(
        shop,
        "assert_books_agree()\n"
        "told = {str(p.key): p.order.number for p in Payment.objects.select_related('order')}",
    )
    return {number: sum(gateway.moved(key)) for key, number in keys.items()}


@pytest.mark.parametrize("pieces", [1, 5])
def test_the_last_pieces_are_sold_once(
    shop: OwnShop, running_gateway: GatewayProcess, pieces: int
) -> None:
    do(shop, f"{MAKE_SHOPPERS}pot = make_stocked('Pot', {SHOPPERS}, '60.00')\n"
             "for one in shoppers: make_cart(one, {pot: 1})\n"
             f"correct(variant=pot, on_hand={pieces}, by=None, reason='The rest broke.')")  # fmt: skip
    said = race(shop, BUY, SHOPPERS)
    assert Counter(said) == {"paid": pieces, "OutOfStock": SHOPPERS - pieces}
    assert list(balance(shop, running_gateway).values()) == [6000] * pieces
    assert do(shop, "told = [stock_of(Variant.objects.get()),"
                    " sum(cart.lines.count() for cart in Cart.objects.all())]") == [
        [0, 0], SHOPPERS - pieces
    ]  # fmt: skip


def test_a_form_that_is_sent_many_times_is_one_order(
    shop: OwnShop, running_gateway: GatewayProcess
) -> None:
    do(shop, "make_cart(make_user(), {make_stocked('Pot', 9, '60.00'): 2})")
    act = "def act(n):\n    order = buy(User.objects.get(), key='k')\n    return [order.number, order.state]\n"
    said = race(shop, act, 9)
    [number] = {number for number, _ in said}
    assert {state for _, state in said} == {"paid"}
    assert balance(shop, running_gateway) == {number: 12000}


def test_a_cart_is_bought_once_whatever_the_keys(
    shop: OwnShop, running_gateway: GatewayProcess
) -> None:
    do(shop, "make_cart(make_user(), {make_stocked('Pot', 9, '60.00'): 2})")
    said = race(shop, "def act(n):\n    return buy(User.objects.get()).state\n", 9)
    assert Counter(said) == {"paid": 1, "ValidationError": 8}
    assert list(balance(shop, running_gateway).values()) == [12000]


def test_the_last_uses_of_a_code_go_once(shop: OwnShop, running_gateway: GatewayProcess) -> None:
    do(shop, f"{MAKE_SHOPPERS}make_promotion('HALF', '50', usage_limit=4)\n"
             "for one in shoppers: make_cart(one, {make_stocked('Pot', 9, '60.00'): 2}, 'HALF')")  # fmt: skip
    said = race(shop, BUY, SHOPPERS)
    assert Counter(said) == {"paid": 4, "ValidationError": SHOPPERS - 4}
    assert do(shop, "told = Redemption.objects.count()") == 4
    assert list(balance(shop, running_gateway).values()) == [6000] * 4


def test_what_goes_in_meanwhile_is_bought_or_stays(
    shop: OwnShop, running_gateway: GatewayProcess
) -> None:
    do(shop, "make_cart(make_user(), {make_stocked('Pot', 99, '60.00'): 1})")
    act = """
def act(n):
    ada, pot = User.objects.get(), Variant.objects.select_related("product").get()
    if n % 6 == 0:
        return buy(ada).state
    add_to_cart(cart=Cart.objects.get(user=ada), variant=pot)
    return "added"
"""
    said = Counter(race(shop, act, SHOPPERS))
    assert said["added"] == 10
    assert said["paid"] >= 1
    assert said["paid"] + said["ValidationError"] == 2
    bought, left = do(shop, "told = [99 - stock_of(Variant.objects.get())[0],"
                            " sum(contents(Cart.objects.get()).values())]")  # fmt: skip
    assert bought + left == 11
    assert sum(balance(shop, running_gateway).values()) == bought * 6000


def test_a_shopper_who_has_no_cart_yet_gets_one(shop: OwnShop) -> None:
    do(shop, "make_user()\nmake_stocked('Pot', 99)")
    act = """
def act(n):
    pot = Variant.objects.select_related("product").get()
    add_to_cart(cart=Cart(user=User.objects.get()), variant=pot)
    return "added"
"""
    assert race(shop, act, SHOPPERS) == ["added"] * SHOPPERS
    assert do(shop, "told = sum(contents(Cart.objects.get()).values())") == SHOPPERS


def test_an_order_is_cancelled_or_shipped_never_both(
    shop: OwnShop, running_gateway: GatewayProcess
) -> None:
    do(shop, f"{MAKE_SHOPPERS}pot = make_stocked('Pot', 99, '60.00')\n"
             "for one in shoppers[:4]: make_paid(one, {pot: 1})")  # fmt: skip
    act = """
def act(n):
    order = Order.objects.get(user__username=f"shopper{n // 3}")
    step = [cancel_order, ship_order, cancel_order][n % 3]
    return step(order=order, by=None).state
"""
    said = race(shop, act, SHOPPERS)
    orders = [said[first : first + 3] for first in range(0, SHOPPERS, 3)]
    assert all(sorted(one) in (
        ["WrongState", "WrongState", "cancelled"], ["WrongState", "WrongState", "shipped"]
    ) for one in orders), orders  # fmt: skip
    states = do(shop, "told = dict(Order.objects.values_list('number', 'state'))")
    assert balance(shop, running_gateway) == {
        number: 6000 if state == "shipped" else 0 for number, state in states.items()
    }
    shipped = list(states.values()).count("shipped")
    assert do(shop, "told = stock_of(Variant.objects.get())") == [99 - shipped, 0]


def test_a_thing_comes_back_once(shop: OwnShop, running_gateway: GatewayProcess) -> None:
    do(shop, "make_delivered(make_user(), {make_stocked('Pot', 9, '60.00'): 2})")
    act = """
def act(n):
    order = Order.objects.get()
    asked = request_return(order=order, lines={order.lines.get(): 1}, reason="x", by=None)
    return asked.state
"""
    assert Counter(race(shop, act, 6)) == {"requested": 2, "ValidationError": 4}
    act = """
def act(n):
    returned = list(Return.objects.select_related("order").order_by("id"))[n % 2]
    if n < 6:
        return receive_return(returned=returned, by=None).state
    return refuse_return(returned=returned, by=None, note="x").state
"""
    said = Counter(race(shop, act, 9))
    assert said["received"] + said["refused"] == 2
    assert said["WrongState"] == 7
    [left] = balance(shop, running_gateway).values()
    assert left == 12000 - 6000 * said["received"]
    assert do(shop, "told = stock_of(Variant.objects.get())") == [7 + said["received"], 0]


def test_a_holder_who_says_yes_while_the_order_is_cancelled_pays_nothing_or_for_something(
    shop: OwnShop, running_gateway: GatewayProcess
) -> None:
    do(shop, f"{MAKE_SHOPPERS}pot = make_stocked('Pot', 99, '60.00')\n"
             "for one in shoppers[:4]: make_paid(one, {pot: 1}, number=CONFIRM)")  # fmt: skip
    act = """
import requests
def act(n):
    order = Order.objects.get(user__username=f"shopper{n // 3}")
    if n % 3 == 0:
        return cancel_order(order=order, by=None).state
    requests.post(order.payments.get().confirmation_url, {"answer": "yes"}, allow_redirects=False)
    return look_again(order=order).state
"""
    said = race(shop, act, SHOPPERS)
    assert set(said) <= {"cancelled", "paid", "placed"}, said
    assert shop.run("manage.py", "settle_payments").returncode == 0
    states = do(shop, "told = dict(Order.objects.values_list('number', 'state'))")
    assert set(states.values()) == {
        "cancelled"
    }  # an order that was just paid may still be cancelled
    assert set(balance(shop, running_gateway).values()) == {0}
    assert do(shop, "told = stock_of(Variant.objects.get())") == [99, 0]


def test_many_shoppers_and_clerks_at_once_never_stand_in_each_others_way(
    shop: OwnShop, running_gateway: GatewayProcess
) -> None:
    """Baskets over the same ten variants in any order, codes, declines, cancellations, returns, deliveries.

    Whatever locks in another order than the rest meets a deadlock here, which PostgreSQL ends by an error.
    """
    do(shop, f"{MAKE_SHOPPERS}pots = [make_stocked(f'Pot {{n}}', 50, '60.00') for n in range(10)]\n"
             "make_promotion('HALF', '50', usage_limit=40)\n"
             "for one in shoppers[:3]: make_paid(one, dict.fromkeys(pots, 1))")  # fmt: skip
    act = """
def act(n):
    rng, me = Random(n), User.objects.get(username=f"shopper{n}")
    pots = list(Variant.objects.select_related("product"))
    said = []
    for _ in range(7):
        try:
            said.append(step(rng, me, pots))
        except (OutOfStock, ValidationError, WrongState) as error:
            said.append(type(error).__name__)
    return said

def step(rng, me, pots):
    what = rng.random()
    if what < 0.6:
        lines = {pot: rng.randint(1, 3) for pot in rng.sample(pots, 5)}
        make_cart(me, lines, "HALF" if rng.random() < 0.5 else "")
        return buy(me, rng.choice([APPROVED] * 4 + [DECLINED])).state
    if what < 0.75:
        order = rng.choice(list(Order.objects.all()))
        return cancel_order(order=order, by=me).state
    if what < 0.9:
        order = rng.choice(list(Order.objects.all()))
        if order.state == "shipped":
            asked = request_return(order=order, lines={order.lines.first(): 1}, reason="x", by=me)
            return receive_return(returned=asked, by=me).state
        return ship_order(order=order, by=me).state
    lines = {pot: 2 for pot in rng.sample(pots, 4)}
    restock(lines=lines, kind=MovementKind.RECEIVED, reference="more")
    return "restocked"
"""
    told = race(shop, act, SHOPPERS)
    assert [racer for racer in told if isinstance(racer, str)] == []  # what it raised
    said = Counter(one for racer in told for one in racer)
    assert set(said) <= {
        *("paid", "cancelled", "shipped", "received", "restocked"),
        *("OutOfStock", "ValidationError", "WrongState"),
    }
    assert said["paid"] > 15, said
    assert shop.run("manage.py", "settle_payments").returncode == 0
    money = do(shop, """
told = {
    payment.order.number: [payment.order.state, int(100 * (payment.amount - payment.refunded))]
    for payment in Payment.objects.select_related("order")
}
""")  # fmt: skip
    held = balance(shop, running_gateway)
    for number, (state, kept) in money.items():
        assert held[number] == (0 if state == "cancelled" else kept)
