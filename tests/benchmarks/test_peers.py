"""Each proxy that is installed takes what is written for it, and does the job that it is measured at."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from benchmarks.load.asking import Asker
from benchmarks.load.processes import Cores, Failed, free_ports
from benchmarks.load.upstream import Upstream, upstream
from benchmarks.peers import OURS, PEERS
from benchmarks.peers.job import TEMPLATES, Job, Place, render
from benchmarks.peers.peer import FOLDER_VARIABLE, Gap, Peer, Refused, find
from benchmarks.proxies.__main__ import DECISION, PROFILE
from benchmarks.proxies.bench import proxy
from benchmarks.proxies.cases import CASES
from chaos.processes import has_ended
from crowd.accounts import wait_until

JOBS = {
    "split": Job(),
    "no split": Job(split=False),
    "access log": Job(access_log=True),
    "1,000 routes": Job(routes=1_000),
}
TESTS = Path(__file__).parents[1]


@pytest.fixture(params=PEERS.values(), ids=list(PEERS))
def peer(request: pytest.FixtureRequest) -> Peer:
    found: Peer = request.param
    if why := found.missing():
        pytest.skip(why)
    return found


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    if find("nginx") is None:
        pytest.skip("nginx is the upstream, and is not installed (apt-get install nginx-light)")
    folder = tmp_path_factory.mktemp("upstream")
    _let_others_through(folder)
    with upstream(folder / "upstream", Cores.here()) as running:
        yield running


def _let_others_through(folder: Path) -> None:
    """nginx, started by root, reads its files as somebody else."""
    for each in (folder, folder.parent, folder.parent.parent):
        if each.stat().st_uid == os.getuid():
            each.chmod(each.stat().st_mode | 0o011)


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS.values(), ids=list(JOBS))
def test_a_peer_takes_its_configuration(peer: Peer, job: Job, tmp_path: Path) -> None:
    place = Place(tmp_path, *free_ports(4))
    if peer.check_command(place) is None:
        pytest.skip(f"{peer.name} has no command that only checks")
    peer.write(job, place)
    peer.check(place)


@pytest.mark.slow
def test_a_peer_does_the_job_and_leaves_nothing_running(
    peer: Peer, behind: Upstream, tmp_path: Path
) -> None:
    _let_others_through(tmp_path)
    with proxy(peer, Job(), behind, tmp_path, Cores.here()) as each:
        tree = each.running.tree()
        assert tree
        assert each.running.pss_bytes() > 1 << 20
        asker = Asker(each.place.port)
        while not sum(each.running.cpu_s().values()):  # the kernel counts by hundredths of a second
            assert [asker.ask("/api/c9/small").status for _ in range(100)] == [200] * 100
        asker.close()
        if Gap.NO_RELOAD not in peer.cannot:
            peer.reload(each.running.pid, each.job, each.place)
            peer.reload(each.running.pid, each.job, each.place)
        asker = Asker(each.place.port)
        assert asker.ask("/api/c9/small").status == 200
        asker.close()
        tree += each.running.tree()
    wait_until(lambda: not any(_runs(one) for one in tree))


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
def test_a_proxy_that_does_another_job_is_not_measured(behind: Upstream, tmp_path: Path) -> None:
    ours = PEERS[OURS]

    class Elsewhere(type(ours)):  # type: ignore[misc]
        """Sends everybody to the candidate."""

        def write(self, job: Job, place: Place) -> None:
            super().write(dataclasses.replace(job, stage="service"), place)

    with (
        pytest.raises(Failed, match="sends 100 of 100 users to the candidate"),
        proxy(Elsewhere(), Job(), behind, tmp_path, Cores.here()),
    ):
        raise AssertionError("it was taken")


@pytest.mark.slow
def test_what_a_proxy_says_of_a_broken_configuration_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path, *free_ports(4))
    ours = PEERS[OURS]
    ours.write(Job(stage="dreaming"), place)
    with pytest.raises(Refused, match=r"stranglerfig: .*stage"):
        ours.check(place)


@pytest.mark.parametrize("name", ["nginx.conf", "envoy.yaml", "fig.yaml"])
def test_a_template_that_is_not_filled_is_an_error(name: str) -> None:
    with pytest.raises(KeyError):
        render(name, Place(Path("/nowhere"), 1, 2, 3, 4))


def test_who_is_missing_is_told_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    for name in ("envoy", "caddy", "traefik"):
        said = PEERS[name].missing()
        assert said is not None
        assert said.startswith(f"{name} is not installed (pip install ")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "envoy"
    program.touch(mode=0o755)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert PEERS["envoy"].missing() is None
    assert find("envoy") == str(program)


def test_the_page_names_every_case_and_pins_every_peer() -> None:
    page = (TEMPLATES.parent / "README.md").read_text()
    assert all(f"`{name}`" in page for name in [*CASES, DECISION, PROFILE])
    pinned = (TEMPLATES.parent / "requirements.txt").read_text()
    for name in ("envoy", "caddy", "traefik"):
        package = PEERS[name].install.removeprefix("pip install ")
        assert f"{package}==" in pinned


def test_every_template_is_somebodys() -> None:
    code = "".join(each.read_text() for each in TEMPLATES.parent.glob("*.py"))
    assert all(f'"{each.name}"' in code for each in TEMPLATES.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "peers"), [(signal.SIGINT, f"{OURS},nginx"), (signal.SIGTERM, "nginx")]
)
def test_an_interrupted_run_leaves_nothing(
    number: signal.Signals, peers: str, tmp_path: Path
) -> None:
    if missing := [each for each in ("nginx", "wrk") if find(each) is None]:
        pytest.skip(f"{' and '.join(missing)} is not installed")
    command = [sys.executable, "-m", "benchmarks.proxies", "--cases", "canary", "--peers", peers, "--out", str(tmp_path / "out")]  # fmt: skip
    run = subprocess.Popen(
        command,
        cwd=TESTS,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout is not None
    for line in run.stdout:
        if line.startswith("canary, round 1"):
            break
    started = psutil.Process(run.pid).children(recursive=True)
    assert len(started) >= 2 * len(["upstream", *peers.split(",")])
    run.send_signal(number)
    rest = run.stdout.read()
    run.stdout.close()
    assert run.wait(60) == 130, rest
    assert "Interrupted" in rest
    wait_until(lambda: all(has_ended(each.pid) for each in started))
    assert list(tmp_path.iterdir()) == []
