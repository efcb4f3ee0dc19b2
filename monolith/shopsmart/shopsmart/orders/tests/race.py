"""Many at once: processes with threads, each with a connection of its own, that all begin at the same moment."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shopsmart.notifications.tests.own_shop import OwnShop

IMPORTS = """
import os, sys, json, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "shopsmart.settings"
import django
django.setup()
from random import Random
from django.core.exceptions import ValidationError
from django.db import connection, OperationalError
from shopsmart.accounts.models import User
from shopsmart.cart.models import Cart
from shopsmart.cart.services import add_to_cart, lock_cart
from shopsmart.cart.tests.make import contents, make_cart
from shopsmart.catalog.models import Variant
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.errors import OutOfStock
from shopsmart.inventory.models import MovementKind
from shopsmart.inventory.services import correct, restock
from shopsmart.inventory.tests.make import assert_books_agree, make_stocked, stock_of
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order, Return
from shopsmart.orders.services import *
from shopsmart.orders.tests.make import buy, make_delivered, make_paid
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.tests.gateway_process import APPROVED, BROKEN, CONFIRM, DECLINED
from shopsmart.promotions.models import Redemption
from shopsmart.promotions.tests.make import make_promotion
"""
RUN = """
racers = [int(n) for n in sys.argv[1].split(",")]
said = {}
together = threading.Barrier(len(racers) + 1)

def run(n):
    connection.ensure_connection()
    together.wait()
    together.wait()
    try:
        said[n] = act(n)
    except (OutOfStock, ValidationError, WrongState) as error:
        said[n] = type(error).__name__
    except BaseException as error:
        said[n] = f"{type(error).__name__}: {error}"
    finally:
        connection.close()

threads = [threading.Thread(target=run, args=(n,)) for n in racers]
for thread in threads:
    thread.start()
together.wait()
print("ready", flush=True)
sys.stdin.readline()
together.wait()
for thread in threads:
    thread.join()
print(json.dumps(said))
"""
PROCESSES = 3


def do(shop: OwnShop, script: str) -> Any:
    """Run a script in the shop to its end; gives what it left in `told`."""
    ended = shop.run("-c", f"{IMPORTS}\ntold = None\n{script}\nprint(json.dumps(told))")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def race(shop: OwnShop, act: str, racers: int) -> list[Any]:
    """What `act(n)`, defined by the script, gave each racer, or the name of what it raised."""
    running = [
        shop.start(
            *("-c", f"{IMPORTS}{act}{RUN}", ",".join(map(str, range(first, racers, PROCESSES)))),
            stdin=subprocess.PIPE,
        )
        for first in range(min(PROCESSES, racers))
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()
        with ThreadPoolExecutor(len(running)) as threads:
            ends = list(
                threads.map(lambda process: process.communicate("\n", timeout=100), running)
            )
    finally:
        for process in running:
            process.kill()
    said = {int(n): one for out, _ in ends for n, one in json.loads(out).items()}
    return [said[n] for n in range(racers)]
