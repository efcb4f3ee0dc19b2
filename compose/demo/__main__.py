"""``make demo``: the shop, its first service and the proxy; then the walk; then it stays up until Ctrl-C."""

import argparse
import os
import random
import secrets
import shutil
import signal
import sys
import time

import requests

from demo import report
from demo.access_log import AccessLog
from demo.asking import ask_for_certain
from demo.customers import Account, Books, Customer, OrderDesk
from demo.failure import DemoError
from demo.fig import Fig
from demo.money import Money, count_money
from demo.pages import API, Shelf, read_shelf
from demo.ports import check_ports_are_free, hold_lock
from demo.price import change_a_price
from demo.processes import Processes
from demo.shoppers import Shoppers, Welcome
from demo.topology import FIG_FILE, ROOT, RULES_FILE, Topology, load_topology
from demo.walk import STEPS, Evidence, Walk

PROXY, ADMIN = 8000, 8001
SHOPPERS = 20
CUSTOMERS = range(101, 106)  # so many of them have an account and buy: shopper101, …
STAFF = "desk"  # the order desk
INTERRUPTED = 130  # what shells give for Ctrl-C


def main() -> int:
    """Run the demo; return 0 if every step held."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the walk (make demo ONCE=1)")
    once = parser.parse_args().once
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _as_ctrl_c)
    topology = load_topology()
    processes = Processes(topology.state_dir / "logs")
    try:
        with hold_lock(topology.state_dir):
            return _run(topology, processes, once)
    except DemoError as failed:
        report.fail(failed)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        _end(processes)


def _run(topology: Topology, processes: Processes, once: bool) -> int:
    check_ports_are_free({"proxy": PROXY, "admin": ADMIN} | topology.ports)
    began = time.monotonic()
    fig = _prepare_state(topology)
    _start_all(topology, processes, fig)
    report.say(f"the shop is open after {time.monotonic() - began:.1f} s")
    held = _take_the_walk(topology, fig)
    if once:
        return 0 if held else 1
    _tell_where_to_look(fig)
    try:
        while True:
            time.sleep(1)
            for running in processes.running:
                running.check_alive()
    except KeyboardInterrupt:
        report.console.print()
        return 0 if held else 1


def _end(processes: Processes) -> None:
    """End every process, whatever happens meanwhile: a second Ctrl-C, or a terminal that is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        if processes.running:
            report.say("ending every process")
    finally:
        processes.stop()


def _prepare_state(topology: Topology) -> Fig:
    """Make secrets, and a fresh fig.yaml; the shop's databases are kept from run to run."""
    state = topology.state_dir
    (state / "logs").mkdir(parents=True, exist_ok=True)
    (state / "secrets").mkdir(mode=0o700, exist_ok=True)
    for name in topology.secrets:
        file = state / "secrets" / name
        # An empty one is what a demo that was killed in this very moment left behind.
        if not file.exists() or file.stat().st_size == 0:
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
    for log in (state / "logs").glob("*.log"):
        log.unlink()
    shutil.rmtree(state / "fig", ignore_errors=True)
    shutil.copyfile(FIG_FILE, state / "fig.yaml")
    shutil.copyfile(RULES_FILE, state / "fig.rules.yaml")
    secrets_of_fig = {
        "FIG_SECRET_FILE": str(state / "secrets" / "fig_secret"),
        "CHASSIS_CREDENTIAL_FILE": str(state / "secrets" / "proxy_credential"),
    }
    return Fig(state / "fig.yaml", secrets_of_fig, f"http://127.0.0.1:{ADMIN}")


def _start_all(topology: Topology, processes: Processes, fig: Fig) -> None:
    for name, spec in topology.processes.items():
        report.heading(f"{name}: {spec.about}")
        folder, environment = ROOT / spec.folder, topology.environment(spec)
        for text in spec.prepare:
            processes.run(name, topology.command(spec, text), folder, environment)
        if spec.port is not None:
            # Again: preparing took a while, and another copy of the demo would answer in this one's place.
            check_ports_are_free({name: spec.port})
        started = processes.start(name, topology.command(spec, spec.serve), folder, environment)
        if spec.port is not None:
            url = f"http://127.0.0.1:{spec.port}"
            processes.wait_ready(started, f"{url}{spec.ready or '/'}")
            report.say(url)
    report.heading("proxy: in front of both; nothing changes")
    started = processes.start("proxy", fig.serve_command, topology.state_dir, fig.environment)
    processes.wait_ready(started, f"http://127.0.0.1:{ADMIN}/readyz")
    report.say(f"http://127.0.0.1:{PROXY}, admin http://127.0.0.1:{ADMIN}")


def _take_the_walk(topology: Topology, fig: Fig) -> bool:
    base = f"http://127.0.0.1:{PROXY}"
    logs = topology.state_dir / "logs"
    shelf, books = read_shelf(base), Books()
    shoppers = Shoppers(base, shelf, SHOPPERS)
    walk = Walk(
        fig,
        shoppers,
        AccessLog(logs / "monolith.access.log", API),
        AccessLog(logs / "catalog.access.log", API),
    )
    with requests.Session() as staff:
        staff.headers["X-Shopper"] = "1"
        desk = OrderDesk(Account(STAFF, staff, shoppers.ask))
        shoppers.start([_welcome(f"shopper{n:03}", shoppers, desk, books) for n in CUSTOMERS])
        taken: list[Evidence] = []
        for step in STEPS:
            report.announce(step, fig.shown(*fig.set_words(step.stage, step.percent, step.why)))
            with report.step_progress(step) as bar:
                taken.append(walk.take(step, lambda done, bar=bar: bar.update(0, completed=done)))  # type: ignore[misc]
            report.show(taken[-1])
            if step.stage == "service":
                _change_a_price(topology, shelf)
        shoppers.stop()
    money = _count_money(base, topology, books)
    report.console.print()
    report.console.print(report.table(taken))
    report.show_money(money)
    held = not any(evidence.problems() for evidence in taken) and not money.problems()
    if held:
        report.say("[green]every step held[/]")
    else:
        names = [each.step.name for each in taken if each.problems()]
        names += ["the money"] if money.problems() else []
        report.say(f"[bold red]not every step held: {', '.join(names)}[/]")
        report.say(f"What the processes say is in {os.path.relpath(topology.state_dir / 'logs')}.")
    return held


def _welcome(name: str, shoppers: Shoppers, desk: OrderDesk, books: Books) -> Welcome:
    def welcome(visitor: requests.Session, choice: random.Random) -> Customer:
        account = Account(name, visitor, shoppers.ask)
        return Customer(account, desk, shoppers.shelf, books, choice)

    return welcome


def _change_a_price(topology: Topology, shelf: Shelf) -> None:
    """While the shoppers pause: an answer that is compared would differ until the change has arrived."""
    report.heading("a price is changed past the shop, by plain SQL; the service answers now")
    ports = topology.ports
    report.show_price(
        change_a_price(
            topology.state_dir / "monolith.sqlite3",
            f"http://127.0.0.1:{ports['catalog']}",
            shelf.products[0],
        )
    )


def _count_money(base: str, topology: Topology, books: Books) -> Money:
    with requests.Session() as staff:
        desk = OrderDesk(Account(STAFF, staff, ask_for_certain(base)))
        gateway = f"http://127.0.0.1:{topology.ports['gateway']}"
        return count_money(books, desk.look_at, gateway)


def _tell_where_to_look(fig: Fig) -> None:
    secret = os.path.relpath(fig.environment["FIG_SECRET_FILE"])
    debug = f'"$(FIG_SECRET_FILE={secret} {fig.shown("sign", "debug").partition(" --config")[0]})"'
    report.heading("open")
    report.say(f"the shop      http://127.0.0.1:{PROXY}/  (its pages stay the monolith's)")
    report.say(f"its API       http://127.0.0.1:{PROXY}{API}products/  (this moves)")
    report.say(f"status        http://127.0.0.1:{ADMIN}/api/status")
    report.say(f"metrics       http://127.0.0.1:{ADMIN}/metrics")
    report.heading("try")
    for what, command in (
        (
            "change a word while it runs; saving is enough (made anew at each start)",
            os.path.relpath(fig.config),
        ),
        ("or by command", fig.shown(*fig.set_words("canary", 25, "see for myself"))),
        ("see what runs", fig.shown("status")),
        ("see what differs", fig.shown("diffs")),
        ("see who answers", f"curl -sI -H {debug} http://127.0.0.1:{PROXY}{API}products/"),
    ):
        report.say(what)
        report.say_command(command)
    report.say("Ctrl-C ends everything.")


def _as_ctrl_c(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
