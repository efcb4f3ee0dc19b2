"""Certificates in a proxy that runs: renewed without a restart, and never by a bad pair."""

import http.client
import json
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from certificates import Authority, Pair
from fig_process import Fig, Upstream, wait_until

pytestmark = pytest.mark.slow

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
tls: {{certificate: keys/shop.pem, key: keys/shop.key}}
upstreams:
  monolith: {monolith}
"""


class Site:
    """A proxy with TLS, and who signs for it."""

    def __init__(self, folder: Path, monolith: Upstream) -> None:
        self.authority = Authority()
        self.keys = folder / "keys"
        self.keys.mkdir()
        self.renew(self.authority.sign("shop.example"))
        self.fig = Fig(folder, CONFIG.format(monolith=monolith.url))
        self.context = self.authority.trusting()

    def renew(self, pair: Pair) -> None:
        pair.write(self.keys, "shop")

    def shown(self) -> str:
        """The serial number of what a new client is shown."""
        with (
            socket.create_connection(("127.0.0.1", self.fig.port), 10) as raw,
            self.context.wrap_socket(raw, server_hostname="shop.example") as client,
        ):
            found = client.getpeercert()
            assert found is not None
            return str(found["serialNumber"])

    def all_shown(self) -> set[str]:
        """What both workers show: the kernel spreads connections over them."""
        return {self.shown() for _ in range(12)}

    def all_use(self, generation: int) -> bool:
        return all(each["generation"] == generation for each in self.fig.status()["workers"])

    def certificate(self) -> dict[str, object]:
        [found] = self.fig.status()["certificates"]
        return dict(found)

    def metrics(self) -> str:
        return self.fig.admin("GET", "/metrics")[2].decode()


@pytest.fixture
def site(tmp_path: Path, monolith: Upstream) -> Iterator[Site]:
    made = Site(tmp_path, monolith)
    made.fig.start()
    yield made
    made.fig.clean_up()


def test_a_renewed_pair_is_shown_and_loses_nothing(site: Site) -> None:
    first = site.shown()
    kept = http.client.HTTPSConnection(
        "127.0.0.1", site.fig.port, timeout=15, context=unnamed(site)
    )
    kept.request("GET", "/kept")
    assert kept.getresponse().read()
    with Load(site).running() as load:
        for _ in range(3):
            before = site.shown()
            load.more()
            site.renew(site.authority.sign("shop.example"))
            wait_until(lambda before=before: before not in site.all_shown())  # type: ignore[misc]
            load.more()
        assert load.failures == []
    assert site.shown() != first
    kept.request("GET", "/kept")
    assert kept.getresponse().status == 200  # on the connection of before
    kept.close()
    text = site.metrics()
    assert 'fig_tls_files_total{result="taken"} 3.0' in text
    assert site.certificate()["refused"] is None
    assert [entry["event"] for entry in site.fig.audit()].count("certificate_taken") == 3
    assert site.fig.generation == 1  # the table is the same


def bad_pairs(site: Site) -> dict[str, tuple[Pair, str]]:
    good, other = (site.authority.sign("shop.example") for _ in range(2))
    return {
        "mismatched": (Pair(good.certificate, other.key), "is not the key of"),
        "expired": (site.authority.sign("shop.example", begins=-40), "has expired"),
        "too early": (site.authority.sign("shop.example", begins=5), "is not valid before"),
        "half a certificate": (Pair(good.certificate[:300], good.key), "no certificate"),
        "half a key": (Pair(good.certificate, good.key[:80]), "no private key"),
        "empty": (Pair("", ""), "no certificate"),
        "no PEM": (Pair("\xff\xfe", good.key), "is not PEM"),
    }


def test_bad_pairs_are_refused_whole_and_seen(site: Site) -> None:
    shown = site.shown()
    for number, (name, (pair, words)) in enumerate(bad_pairs(site).items(), 1):
        site.renew(pair)
        wait_until(
            lambda words=words: words in json.dumps(site.certificate()["refused"]),  # type: ignore[misc]
            explain=lambda name=name: (name, site.certificate()),  # type: ignore[misc]
        )
        assert site.all_shown() == {shown}, name
        assert f'fig_tls_files_total{{result="refused"}} {number}.0' in site.metrics()
    said = site.fig.command("status")
    assert said.returncode == 1
    assert "is refused as it stands; the last good one goes on" in said.stdout
    assert 'fig_certificate_refused{file="' in site.metrics()
    assert "certificate_refused" in site.fig.log()
    # Neither a new worker nor a changed table needs the files.
    site.fig.edit("workers: 2", "workers: 2\ndot_segments: pass")
    wait_until(lambda: site.fig.generation == 2)
    os.kill(site.fig.pids("worker")[0], signal.SIGKILL)
    wait_until(lambda: all(worker["up"] for worker in site.fig.status()["workers"]))
    assert site.all_shown() == {shown}
    # And what is good again is taken.
    site.renew(site.authority.sign("shop.example"))
    wait_until(lambda: site.certificate()["refused"] is None and site.all_shown() != {shown})
    assert site.fig.command("status").returncode == 0


def test_a_pair_that_is_gone_changes_nothing(site: Site) -> None:
    shown = site.shown()
    (site.keys / "shop.key").unlink()
    wait_until(lambda: site.certificate()["refused"])
    assert "shop.key is not there" in str(site.certificate()["refused"])
    assert site.all_shown() == {shown}


def test_no_key_is_in_any_other_file_or_answer(site: Site) -> None:
    secret = (site.keys / "shop.key").read_text().splitlines()[1].encode()
    site.fig.edit("workers: 2", "workers: 2\ndot_segments: pass")
    wait_until(lambda: site.fig.generation == 2)
    for path in site.fig.folder.rglob("*"):
        if path.is_file() and path.parent != site.keys:
            assert secret not in path.read_bytes(), path
    for answer in ("/api/status", "/api/config", "/metrics"):
        assert secret not in site.fig.admin("GET", answer)[2]


def test_other_files_come_with_fig_yaml_and_must_be_good(site: Site) -> None:
    shown = site.shown()
    site.fig.edit("keys/shop.pem", "keys/new.pem")
    wait_until(lambda: site.fig.status()["config_bad"])
    assert "new.pem is not there" in str(site.fig.status()["config_bad"])
    assert site.all_shown() == {shown}
    pair = site.authority.sign("shop.example", "new.example")
    pair.write(site.keys, "new")
    site.fig.edit("key: keys/shop.key", "key: keys/new.key")
    wait_until(lambda: site.all_use(2), explain=site.fig.log)
    assert shown not in site.all_shown()
    assert site.certificate()["names"] == ["shop.example", "new.example"]
    # TLS can be taken away, and come back; whoever asks whether we are well finds which it is.
    assert site.fig.facts()["tls"] is True
    text = site.fig.config.read_text()
    site.fig.save(text.replace("tls:", "# tls:"))
    wait_until(lambda: site.all_use(3))
    assert site.fig.facts()["tls"] is False
    assert site.fig.get("/plain")[0] == 200
    site.fig.save(text)
    wait_until(lambda: site.all_use(4))
    assert site.fig.facts()["tls"] is True
    assert shown not in site.all_shown()


def test_files_that_come_after_the_fig_yaml_that_names_them_are_taken(site: Site) -> None:
    shown = site.shown()
    text = site.fig.config.read_text()
    site.fig.save(text.replace("keys/shop", "keys/late"))
    wait_until(lambda: site.fig.status()["config_bad"])
    site.authority.sign("shop.example", "late.example").write(site.keys, "late")
    wait_until(lambda: site.all_use(2), explain=site.fig.log)
    assert shown not in site.all_shown()
    assert site.fig.status()["config_bad"] is None
    assert site.fig.command("status").returncode == 0


def test_a_file_that_is_shown_and_believed_too_is_told_with_its_days(site: Site) -> None:
    path = site.keys / "shop.pem"
    site.fig.save(
        site.fig.config.read_text()
        + f"  itself: {{url: 'https://127.0.0.1:{site.fig.port}', tls: {{ca: keys/shop.pem}}}}\n"
    )
    wait_until(lambda: site.all_use(2), explain=site.fig.log)

    def told(metric: str) -> list[float]:
        start = f'{metric}{{file="{path}"}} '
        lines = site.metrics().splitlines()
        return [float(line.removeprefix(start)) for line in lines if line.startswith(start)]

    (days,) = told("fig_certificate_days_left")
    assert 28 < days < 30
    assert told("fig_certificate_refused") == [0.0]
    # Its key alone makes it bad: as a CA it is what it was.
    (site.keys / "shop.key").unlink()
    wait_until(lambda: told("fig_certificate_refused") == [1.0], explain=site.metrics)


def test_a_start_with_bad_files_is_refused_and_with_an_expired_one_warned_of(
    tmp_path: Path, monolith: Upstream
) -> None:
    site = Site(tmp_path, monolith)
    pair = site.authority.sign("shop.example")
    site.renew(Pair(pair.certificate, site.authority.sign("x").key))
    checked = site.fig.command("check")
    assert checked.returncode == 2
    assert "fig.yaml:4" in checked.stderr.replace("\n", "")
    assert "is not the key of" in checked.stderr.replace("\n", " ")
    assert site.fig.launch().wait(30) == 2
    assert "is not the key of" in site.fig.log().replace("\n", " ")
    site.renew(site.authority.sign("shop.example", begins=-40))
    checked = site.fig.command("check")
    assert checked.returncode == 0
    assert "has expired" in checked.stderr.replace("\n", " ")
    try:
        site.fig.start()
        assert "certificate_doubtful" in site.fig.log()
        assert site.certificate()["untimely"]
        days = site.certificate()["days_left"]
        assert isinstance(days, float)
        assert days < 0
    finally:
        site.fig.clean_up()


def unnamed(site: Site) -> ssl.SSLContext:
    """For a client that connects by an address: who signed is looked at, and no name."""
    context = site.authority.trusting()
    context.check_hostname = False
    return context


class Load:
    """Clients that go on asking, each on a new connection or on a kept one."""

    def __init__(self, site: Site) -> None:
        self.failures: list[str] = []
        self.answers = 0
        self._port = site.fig.port
        self._contexts: Callable[[], ssl.SSLContext] = lambda: unnamed(site)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(4)
        ]

    def _ask(self, keeps: bool) -> None:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, timeout=15, context=self._contexts()
        )
        while not self._stopping.is_set():
            try:
                if not keeps:
                    connection.close()
                connection.request("GET", "/x")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(str(answer.status))
                self.answers += 1
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.failures.append(repr(error))
        connection.close()

    def more(self) -> None:
        wanted = self.answers + 40
        wait_until(lambda: self.answers >= wanted, explain=lambda: self.failures)

    def running(self) -> "Running":
        return Running(self, self._threads, self._stopping)


class Running:
    """Load while a block runs."""

    def __init__(
        self, load: Load, threads: list[threading.Thread], stopping: threading.Event
    ) -> None:
        self._load, self._threads, self._stopping = load, threads, stopping

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self._load

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
