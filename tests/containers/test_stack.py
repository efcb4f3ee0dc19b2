"""The system in containers: up, a shopper's way through it, moved, hurt, healed, scaled, down."""

import os
import socket
import subprocess
import threading
import time
from collections import Counter

import pytest
import requests
from containers.conftest import Figures
from containers.project import Project, docker, log_of
from crowd.buyer import Buyer

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

LASTING = ("database", "gateway", "mail", "monolith", "jobs", "catalog", "consumer", "proxy")
ONCE = ("databases", "monolith-migrate", "monolith-seed", "catalog-migrate", "catalog-backfill")
PRODUCTS = "/api/catalog/products/"
SHOPPERS = 4


def test_everything_is_well_and_what_runs_once_has_ended_well(project: Project) -> None:
    for service in LASTING:
        project.wait_until(lambda name=service: project.is_healthy(name), f"{service} is well")
    for service in ONCE:
        (once,) = project.containers(service)
        assert (once["State"]["Status"], once["State"]["ExitCode"]) == ("exited", 0), service


def test_only_the_proxy_can_be_reached_from_outside(project: Project) -> None:
    published = {
        each["Config"]["Labels"]["com.docker.compose.service"]: ports
        for each in project.containers(all_=False)
        if (ports := {port: at for port, at in each["NetworkSettings"]["Ports"].items() if at})
    }
    assert published == {
        "proxy": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(project.port)}]}
    }
    # From the one network that has a way in, nobody else answers, not even by address.
    (monolith,) = project.containers("monolith")
    (proxy,) = project.containers("proxy")
    addresses = [at["IPAddress"] for at in monolith["NetworkSettings"]["Networks"].values()]
    knock = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
    front = f"{project.name}_front"
    image = proxy["Config"]["Image"]

    def reach(host: str, port: int) -> bool:
        command = ("run", "--rm", "--network", front, image, "python", "-c", knock, host, str(port))
        try:
            docker(*command)
        except AssertionError:
            return False
        return True

    assert reach(proxy["NetworkSettings"]["Networks"][front]["IPAddress"], 8000)
    assert not any(reach(host, 8100) for host in ("monolith", *addresses))
    # Who is called by the shop can't call it.
    for service in ("gateway", "mail"):
        network = f"{project.name}_partners"
        inside = monolith["NetworkSettings"]["Networks"][network]["IPAddress"]
        for host in ("monolith", inside):
            refused = project.exec(service, "python", "-c", knock, host, "8100", check=False)
            assert "ConnectionRefusedError" in refused, (service, host, refused)


def test_nobody_but_the_proxy_is_believed_about_whose_request_it_is(project: Project) -> None:
    ask = (
        "import django, sys; django.setup(); from shopsmart.accounts.client_address import client_address;"
        "print(client_address(peer=sys.argv[1], forwarded_for=sys.argv[2]))"
    )

    def client(peer: str, forwarded_for: str) -> str:
        settings = "DJANGO_SETTINGS_MODULE=shopsmart.settings"
        return project.exec(
            "monolith", "env", settings, "python", "-c", ask, peer, forwarded_for
        ).strip()

    net = project.environment["SHOP_NET"]
    assert client(f"{net}.2", "203.0.113.7") == "203.0.113.7"
    # A shopper in a private network who says to be somebody else, and a container that does.
    assert client(f"{net}.2", "203.0.113.7, 192.168.1.5") == "192.168.1.5"
    assert client(f"{net}.9", "203.0.113.7") == f"{net}.9"
    (proxy,) = project.containers("proxy")
    shop = proxy["NetworkSettings"]["Networks"][f"{project.name}_shop"]
    assert shop["IPAddress"] == f"{net}.2"


def test_metrics_are_read_in_the_admin_network_with_the_token(project: Project) -> None:
    (proxy,) = project.containers("proxy")
    token = (project.files / "secrets" / "fig_admin_token").read_text()
    ask = (
        "import http.client, sys; asked = http.client.HTTPConnection('proxy', 8001, timeout=10);"
        "asked.request('GET', '/metrics', headers={'Authorization': f'Bearer {sys.argv[1]}'});"
        "answer = asked.getresponse(); print(answer.status, answer.read().decode())"
    )

    def collect(token: str) -> str:
        network = ("--network", f"{project.name}_admin")
        return docker("run", "--rm", *network, proxy["Config"]["Image"], "python", "-c", ask, token)

    assert collect("wrong").startswith("401 ")
    answer = collect(token)
    assert answer.startswith("200 ")
    assert "fig_requests_total" in answer


def test_no_container_has_more_rights_than_it_needs(project: Project) -> None:
    for container in project.containers():
        service = container["Config"]["Labels"]["com.docker.compose.service"]
        host = container["HostConfig"]
        user = container["Config"]["User"].split(":")
        assert len(user) == 2, service
        assert all(number.isdigit() and int(number) > 0 for number in user), service
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert not host["CapAdd"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert host["Memory"] > 0, service
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}, service
        secrets_seen = [text for text in container["Config"]["Env"] if "_FILE=" not in text]
        for file in (project.files / "secrets").iterdir():
            assert not any(file.read_text() in text for text in secrets_seen), (service, file.name)
    for service in LASTING:
        # Its own files are read-only, and so is what it was given.
        for path in ("/", "/usr/bin", "/run/secrets"):
            refused = project.exec(service, "sh", "-c", f"touch {path}/x && echo done", check=False)
            assert "done" not in refused, (service, path)


def test_each_application_has_a_database_that_the_other_cannot_enter(project: Project) -> None:
    def psql(role: str, secret: str, database: str, statement: str) -> str:
        password = (project.files / "secrets" / secret).read_text()
        address = f"postgresql://{role}:{password}@127.0.0.1/{database}"
        return project.exec("database", "psql", "-At", address, "-c", statement, check=False)

    shop = ("shopsmart", "monolith_database_password")
    catalog = ("shopsmart_catalog", "catalog_database_password")
    assert psql(*shop, "shopsmart", "SELECT count(*) FROM catalog_product").strip() == "1000"
    assert psql(*catalog, "shopsmart_catalog", "SELECT current_user").strip() == catalog[0]
    for role, other in ((shop, "shopsmart_catalog"), (catalog, "shopsmart")):
        for database in (other, "postgres", "template1"):
            assert "permission denied for database" in psql(*role, database, "SELECT 1")
        assert "permission denied to create role" in psql(*role, role[0], "CREATE ROLE more")
        assert "permission denied to create database" in psql(*role, role[0], "CREATE DATABASE m")
        assert "must be superuser" in psql(*role, role[0], "COPY (SELECT 1) TO PROGRAM 'id'")


def test_a_database_that_was_lost_half_way_is_made_by_the_next_up(project: Project) -> None:
    password = (project.files / "secrets" / "postgres_password").read_text()
    server = f"postgresql://postgres:{password}@127.0.0.1/postgres"
    for statement in (
        "CREATE ROLE half",
        "ALTER ROLE shopsmart_catalog NOLOGIN PASSWORD 'another'",
        "GRANT CONNECT ON DATABASE shopsmart TO PUBLIC",
    ):
        project.exec("database", "psql", server, "-c", statement)
    project.compose("up", "--detach", "--no-recreate")
    (once,) = project.containers("databases")
    assert once["State"]["ExitCode"] == 0
    secret = (project.files / "secrets" / "catalog_database_password").read_text()
    catalog = f"postgresql://shopsmart_catalog:{secret}@127.0.0.1"
    assert project.exec("database", "psql", "-At", f"{catalog}/shopsmart_catalog", "-c", "SELECT 1")
    assert "permission denied for database" in project.exec(
        "database", "psql", f"{catalog}/shopsmart", "-c", "SELECT 1", check=False
    )


def test_a_shopper_buys_with_a_card_and_gets_a_mail(project: Project) -> None:
    home = project.get("/")
    assert home.status_code == 200
    picture = project.get(PRODUCTS).json()["results"][0]["image"]["url"]
    assert picture.startswith(f"{project.url}/media/")
    assert requests.get(picture, timeout=30).headers["content-type"] == "image/webp"
    with Buyer(project.url, "shopper001") as buyer:
        buyer.put_in_cart(project.url, _in_stock(project))
        bought = buyer.buy(project.url)
    assert bought.status == 201, bought.order
    number = bought.order["number"]
    project.wait_until(
        lambda: any(number in mail["subject"] for mail in project.mails("shopper001@example.com")),
        f"a mail about {number}",
    )
    ledger = "import json, urllib.request; print(json.load(urllib.request.urlopen('http://127.0.0.1:8190/ledger?reference={}'))['entries'])"
    assert str(bought.total) in project.exec("gateway", "python", "-c", ledger.format(number))


def test_the_catalogue_moves_by_fig_set_inside_and_by_the_file_outside(project: Project) -> None:
    def answers(count: int = 12) -> dict[str, int]:
        """Who answers the next requests: counted by the proxy, and the answers are all fine."""
        before = project.answered_by()
        assert {project.get(PRODUCTS).status_code for _ in range(count)} == {200}
        after = project.answered_by()
        return {side: after[side] - before[side] for side in after}

    def runs(stage: str, percent: int | None = None) -> bool:
        (catalog,) = project.fig("status")["capabilities"]
        return catalog["stage"] == stage and percent in (None, catalog["percent"])

    assert answers() == {"monolith": 12, "service": 0}
    changed = project.fig("set", "catalog", "shadow", "--why", "what would it say?")
    assert changed["effective_ms"] is not None
    # Both sides of the mount see it, with the comments that were there.
    assert "stage: shadow       # monolith | shadow | canary" in project.fig_file.read_text()
    assert answers() == {"monolith": 12, "service": 0}
    project.wait_until(lambda: _compared(project)["equal"] >= 12, "shadows are compared")
    assert _compared(project)["different"] == 0

    project.edit(r"stage: shadow", "stage: canary")
    project.edit(r"percent: 10", "percent: 100")
    project.wait_until(lambda: runs("canary", 100), "the file that was edited outside holds")
    assert answers() == {"monolith": 0, "service": 12}

    # An editor that writes beside and renames, as most do; the folder is mounted, so that is seen too.
    beside = project.fig_file.with_name("fig.yaml.new")
    beside.write_text(project.fig_file.read_text().replace("stage: canary", "stage: shadow"))
    before = project.fig_file.stat()
    os.chown(beside, before.st_uid, before.st_gid)  # for root, whose editors do so too
    beside.replace(project.fig_file)
    project.wait_until(lambda: runs("shadow"), "the file that was replaced outside holds")
    project.fig("set", "catalog", "service", "--why", "all of it")
    assert answers() == {"monolith": 0, "service": 12}
    assert _compared(project)["different"] == 0


def test_a_killed_service_comes_back_and_only_its_part_is_missed(
    project: Project, figures: Figures
) -> None:
    seen: Counter[tuple[str, int]] = Counter()
    is_back = threading.Event()

    def shop_on() -> None:
        while not is_back.is_set():
            for path in ("/", PRODUCTS):
                seen[path, project.get(path).status_code] += 1
            time.sleep(0.05)

    (before,) = project.containers("catalog")
    shopper = threading.Thread(target=shop_on)
    shopper.start()
    try:
        began = time.monotonic()
        # The process, not the container: `docker kill` counts as a wish that it stay away.
        project.exec("catalog", "python", "-c", _KILL_ALL, check=False)
        project.wait_until(
            lambda: _restarts(project, "catalog") > before["RestartCount"],
            "the engine starts it again",
        )
        project.wait_until(lambda: project.is_healthy("catalog"), "the catalogue is well again")
        project.wait_until(lambda: project.get(PRODUCTS).status_code == 200, "it answers shoppers")
        figures.note("killed service answers again after, s", time.monotonic() - began)
    finally:
        is_back.set()
        shopper.join()
    figures.note("answers meanwhile", {f"{path} {status}": n for (path, status), n in seen.items()})
    # Pages are the monolith's, and nobody who asks for one notices.
    assert {status for path, status in seen if path == "/"} == {200}
    # The proxy says that the service is away, and does not hang.
    missed = {status for path, status in seen if path == PRODUCTS} - {200}
    assert missed
    assert missed <= {502, 503, 504}


def test_more_containers_of_a_service_share_its_requests_without_a_restart_of_the_proxy(
    project: Project, figures: Figures
) -> None:
    started = project.fig("status")["started"]
    began = time.monotonic()
    project.compose("up", "--detach", "--no-recreate", "--scale", "catalog=3")
    project.wait_until(lambda: project.is_healthy("catalog", 3), "three are well")
    figures.note("catalog=3 is well after, s", time.monotonic() - began)

    def shares() -> dict[str, int]:
        before = _answered(project)
        for _ in range(30):
            assert project.get(PRODUCTS).status_code == 200
        return {name: count - before[name] for name, count in _answered(project).items()}

    found: dict[str, int] = {}

    def all_are_asked() -> bool:
        found.update(shares())
        return len(found) == 3 and min(found.values()) > 0

    project.wait_until(all_are_asked, "all three are asked")
    figures.note("30 requests by container", sorted(shares().values()))
    assert project.fig("status")["started"] == started

    # One is killed under load. What it was at is lost; nobody else notices, before or after it is started again.
    victim = project.containers("catalog", all_=False)[0]
    is_over = threading.Event()
    answers: list[int] = []

    def shop_on() -> None:
        while not is_over.is_set():
            answers.append(project.get(PRODUCTS).status_code)

    shoppers = [threading.Thread(target=shop_on) for _ in range(SHOPPERS)]
    for shopper in shoppers:
        shopper.start()
    try:
        restarts = _restarts(project, "catalog")
        project.wait_until(lambda: len(answers) >= 20, "shoppers are at it")
        subprocess.run(
            ["docker", "exec", victim["Id"], "python", "-c", _KILL_ALL], check=False, timeout=60
        )
        before = len(answers)
        project.wait_until(
            lambda: _restarts(project, "catalog") > restarts, "the engine starts it again"
        )
        project.wait_until(lambda: project.is_healthy("catalog", 3), "three are well")
        project.wait_until(lambda: len(answers) >= before + 50, "shoppers are still at it")
    finally:
        is_over.set()
        for shopper in shoppers:
            shopper.join()
    figures.note("answers while one of three was killed", dict(Counter(answers)))
    assert len([status for status in answers if status != 200]) <= SHOPPERS
    project.wait_until(all_are_asked, "all three are asked again")
    project.compose("up", "--detach", "--no-recreate", "--scale", "catalog=1")
    project.wait_until(lambda: project.is_healthy("catalog"), "one is left")
    for _ in range(12):
        assert project.get(PRODUCTS).status_code == 200


def test_everything_ends_when_it_is_told_to_and_lets_answers_end(
    project: Project, figures: Figures
) -> None:
    session = requests.Session()
    session.get(f"{project.url}/account/login/", timeout=30)
    token = session.cookies["csrftoken"]
    form = f"username=shopper002&password=wrong&csrfmiddlewaretoken={token}".encode()
    head = (
        f"POST /account/login/ HTTP/1.1\r\nHost: 127.0.0.1:{project.port}\r\nCookie: csrftoken={token}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
    ).encode()
    (proxy,) = project.containers("proxy")
    with socket.create_connection(("127.0.0.1", project.port), timeout=60) as shopper:
        shopper.sendall(head + form[:20])
        project.wait_until(lambda: _exchanges(project) == 1, "the request has begun")
        # The proxy first: docker-compose 1.29 stops everything at once, the database before the shop is done with it.
        stopping = threading.Thread(target=project.compose, args=("stop", "proxy"))
        stopping.start()
        project.wait_until(lambda: '"draining"' in log_of(proxy["Id"]), "it is stopping")
        # The rest of a form that was half sent when the proxy was told to end.
        shopper.sendall(form[20:])
        answer = b""
        while data := shopper.recv(65536):
            answer += data
        stopping.join()
    began = time.monotonic()
    project.compose("stop")
    figures.note("stop of all but the proxy, s", time.monotonic() - began)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.rstrip().endswith(b"</html>") or answer.endswith(b"0\r\n\r\n")
    codes = {
        each["Config"]["Labels"]["com.docker.compose.service"]: each["State"]["ExitCode"]
        for each in project.containers()
    }
    # Who has to be killed after the grace period has 137.
    assert set(codes.values()) == {0}, codes


def test_what_was_bought_is_there_after_a_start_and_nothing_is_left_after_down(
    project: Project, figures: Figures
) -> None:
    began = time.monotonic()
    project.compose("up", "--detach")
    project.wait_until(lambda: project.is_healthy("proxy"), "the proxy is well")
    project.wait_until(lambda: project.get("/").status_code == 200, "the shop answers")
    figures.note("up again, s", time.monotonic() - began)
    assert project.mails("shopper001@example.com")
    (catalog,) = project.fig("status")["capabilities"]
    assert catalog["stage"] == "service"
    assert '"set"' in project.exec("proxy", "cat", "/var/lib/fig/audit.jsonl")
    project.compose("down", "--volumes")
    assert project.left() == {"containers": [], "networks": [], "volumes": []}


# Everything in the container but its first process, which ends when its child has.
_KILL_ALL = "import os, signal; os.kill(-1, signal.SIGKILL)"


def _in_stock(project: Project) -> str:
    """A variant that can be bought."""
    for product in project.get(f"{PRODUCTS}?page_size=24").json()["results"]:
        for variant in project.get(f"{PRODUCTS}{product['slug']}/").json()["variants"]:
            stock = project.get(f"/api/inventory/{variant['sku']}/").json()
            if stock["availability"] == "in_stock":
                return str(variant["sku"])
    raise AssertionError("nothing is in stock")


def _compared(project: Project) -> dict[str, int]:
    (catalog,) = project.fig("status")["capabilities"]
    comparison: dict[str, int] = catalog["comparison"]
    return comparison


def _restarts(project: Project, service: str) -> int:
    return sum(each["RestartCount"] for each in project.containers(service))


def _exchanges(project: Project) -> int:
    """How many requests are under way in the proxy."""
    workers = project.fig("status")["workers"]
    return sum(sum(worker["state"]["exchanges"].values()) for worker in workers)


def _answered(project: Project) -> Counter[str]:
    """How many catalogue requests each container of the service has in its access log."""
    counted: Counter[str] = Counter()
    for container in project.containers("catalog", all_=False):
        log = log_of(container["Id"])
        counted[container["Name"]] = log.count(f"GET {PRODUCTS} ")
    return counted
