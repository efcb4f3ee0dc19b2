"""What runs changes by saving the file, by set and by abort; a file that can't be used changes nothing."""

import asyncio
import json
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fig_process import Fig, wait_until

from stranglerfig.channel.messages import SnapshotMessage
from stranglerfig.config.model import Stage
from stranglerfig.control import changes as changes_module
from stranglerfig.control import overrides
from stranglerfig.control.changes import Changes
from stranglerfig.control.fleet import Spread
from stranglerfig.control.running import Running
from stranglerfig.control.source import NamedFilesError, Source, Written


def answered_by(fig: Fig, path: str = "/api/catalog/1") -> str:
    upstream: str = json.loads(fig.get(path)[2])["upstream"]
    return upstream


def events(fig: Fig) -> list[str]:
    return [entry["event"] for entry in fig.audit()]


def test_a_saved_file_takes_effect_on_its_own(fig: Fig) -> None:
    before = fig.generation
    assert answered_by(fig) == "monolith"
    fig.edit("stage: monolith", "stage: service")
    wait_until(lambda: fig.effective == before + 1)
    assert answered_by(fig) == "catalog"
    change = fig.status()["last_change"]
    assert change["what"] == "reload"
    assert 0 < change["effective_ms"] < 2000
    entry = fig.audit()[-1]
    assert entry["event"] == "reload"
    assert entry["changed"] == {"catalog": {"stage": ["monolith", "service"]}}
    assert entry["generation"] == before + 1


def test_a_reload_is_told_key_by_key_in_the_log_the_status_and_the_audit(fig: Fig) -> None:
    before = fig.generation
    fig.edit("stage: monolith", "fallback: monolith")
    wait_until(lambda: fig.effective == before + 1)
    url = fig.original.partition("catalog: ")[2].partition("\n")[0]
    text = fig.original.replace(f"catalog: {url}", f"catalog: {{url: {url}, concurrency: 50}}")
    fig.save(text + "limits: {head_size: 32KiB}\n")
    wait_until(lambda: fig.status()["last_change"]["generation"] == before + 2)
    expected = [
        "upstreams.catalog.concurrency: unset -> 50",
        "limits.head_size: 64KiB -> 32KiB",
        "capabilities.catalog.fallback: monolith -> none",
    ]
    assert fig.status()["last_change"]["changed"] == expected
    shown = fig.command("status").stdout.splitlines()
    begins = next(n for n, line in enumerate(shown) if line.startswith("last change: fig.yaml"))
    assert shown[begins + 1 : begins + 4] == [f"  {line}" for line in expected]
    logged = [json.loads(line) for line in fig.log().splitlines() if "generation_effective" in line]
    assert logged[-1]["changed"] == expected
    assert fig.audit()[-1]["changed"] == {
        "-": {
            "upstreams.catalog.concurrency": [None, 50],
            "limits.head_size": ["64KiB", "32KiB"],
        },
        "catalog": {"fallback": ["monolith", "none"]},
    }


def test_aborts_and_rules_are_told_as_changes_too(fig: Fig) -> None:
    rules, before = fig.config.with_name("fig.rules.yaml"), fig.generation
    rules.write_text("rules: []\n")
    wait_until(lambda: fig.status()["last_change"]["generation"] == before + 1)
    (line,) = fig.status()["last_change"]["changed"]
    assert line.startswith("rules: unset -> ")
    rules.unlink()
    wait_until(lambda: fig.status()["last_change"]["generation"] == before + 2)
    fig.admin("POST", "/api/abort", {"capability": "catalog", "why": "a test"})
    assert fig.status()["last_change"]["changed"] == ["capabilities.catalog.aborted: false -> true"]
    assert fig.audit()[-1]["changed"] == {"catalog": {"aborted": [False, True]}}


def test_a_capability_that_is_added_is_one_change_of_it(fig: Fig) -> None:
    before = fig.generation
    fig.save(fig.original + "  cart: {upstream: catalog, routes: [GET /cart]}\n")
    wait_until(lambda: fig.effective == before + 1)
    cart = {"upstream": "catalog", "routes": ["GET /cart"]}
    wait_until(lambda: fig.audit()[-1].get("generation") == before + 1)
    assert fig.audit()[-1]["changed"] == {"cart": {"-": [None, cart]}}
    capabilities = {each["name"]: each for each in fig.status()["capabilities"]}
    assert capabilities["cart"]["last_change"]["generation"] == before + 1


@pytest.mark.slow
def test_a_file_written_in_place_and_one_behind_a_swapped_symlink_are_noticed(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig()
    text = fig.config.read_text()
    for version, stage in (("v1", "monolith"), ("v2", "service")):
        (fig.folder / version).mkdir()
        (fig.folder / version / "fig.yaml").write_text(
            text.replace("stage: monolith", f"stage: {stage}")
        )
    fig.config.unlink()
    (fig.folder / "current").symlink_to("v1")
    fig.config.symlink_to("current/fig.yaml")
    fig.start()

    (fig.folder / "next").symlink_to("v2")
    (fig.folder / "next").replace(fig.folder / "current")
    wait_until(lambda: fig.effective == 2)
    assert answered_by(fig) == "catalog"

    (fig.folder / "v2" / "fig.yaml").write_text(text)
    wait_until(lambda: fig.effective == 3)
    assert answered_by(fig) == "monolith"


BAD_FILES = {
    "an unknown key": ("stage: monolith", "stage: monolith\n    stagger: 1"),
    "an unknown stage": ("stage: monolith", "stage: sevice"),
    "no YAML": ("upstreams:", "upstreams: ]["),
    "a port that is no port": ("listen: 127.0.0.1:0", "listen: 127.0.0.1:http"),
    "another listen address": ("listen: 127.0.0.1:0", "listen: 127.0.0.1:8000"),
    "another number of workers": ("workers: 1", "workers: 2"),
    "another state_dir": ("workers: 1", "workers: 1\nstate_dir: elsewhere"),
    "a key of later": ("stage: monolith", "stage: monolith\n    identity: required"),
}


def test_bad_files_change_nothing_and_are_visible_until_mended(fig: Fig) -> None:
    good = fig.config.read_text()
    before = fig.generation
    refused_before = events(fig).count("config_refused")
    for what, (old, new) in BAD_FILES.items():
        assert old in good
        fig.save(good.replace(old, new, 1))
        wait_until(lambda: fig.status()["config_bad"], explain=lambda: what)  # noqa: B023
        status = fig.status()
        assert status["generation"] == before, what
        assert all("fig.yaml" in problem for problem in status["config_bad"]["problems"]), what
        assert b"fig_config_bad 1.0" in fig.admin("GET", "/metrics")[2], what
        assert answered_by(fig) == "monolith", what
        fig.save(good)
        wait_until(lambda: fig.status()["config_bad"] is None)
    assert b"fig_config_bad 0.0" in fig.admin("GET", "/metrics")[2]
    assert events(fig).count("config_refused") == refused_before + len(BAD_FILES)

    fig.save(good.replace("stage: monolith", "stage: service"))
    wait_until(lambda: fig.effective == before + 1)


def test_keys_that_need_a_restart_are_named_in_the_refusal(fig: Fig) -> None:
    fig.edit("workers: 1", "workers: 3")
    wait_until(lambda: fig.status()["config_bad"])
    (problem,) = fig.status()["config_bad"]["problems"]
    assert "workers can't change while the proxy runs (1 -> 3)" in problem
    assert "restart" in problem


def test_a_file_that_vanishes_for_a_while_changes_nothing(fig: Fig) -> None:
    text, before = fig.config.read_text(), fig.generation
    fig.config.unlink()
    wait_until(lambda: fig.status()["config_bad"])
    assert answered_by(fig) == "monolith"
    fig.config.write_text(text.replace("stage: monolith", "stage: service"))
    wait_until(lambda: fig.effective == before + 1)
    assert fig.status()["config_bad"] is None


def test_sighup_reads_the_file_and_reports_a_bad_one_again(fig: Fig) -> None:
    fig.edit("stage: monolith", "stage: nonsense")
    wait_until(lambda: fig.status()["config_bad"])
    reported = events(fig).count("config_refused")
    assert fig.process is not None
    fig.process.send_signal(signal.SIGHUP)
    wait_until(lambda: events(fig).count("config_refused") == reported + 1)


@pytest.mark.slow
def test_set_returns_when_every_worker_uses_the_new_table(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig(workers=2).start()
    for round_, stage in enumerate(("shadow", "service", "monolith", "service"), start=2):
        answer = fig.set("catalog", stage)
        assert answer["generation"] == round_
        assert len(answer["workers"]) == 2
        # Connections are spread over the workers by the kernel: enough of them meet both.
        assert {fig.generation_of("/api/catalog/1") for _ in range(12)} == {round_}
    assert "stage: service   # the word one changes" in fig.config.read_text()


def test_set_to_what_is_there_already_says_so(fig: Fig) -> None:
    before = fig.generation
    answer = fig.set("catalog", "monolith")
    assert answer["changed"] is False
    assert answer["generation"] == fig.generation == before


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"capability": "basket", "stage": "shadow", "why": "x"}, 404, "catalog"),
        ({"capability": "catalog", "stage": "canary", "why": "x"}, 422, "canary 10"),
        ({"capability": "catalog", "stage": "sevice", "why": "x"}, 422, "problems"),
        ({"capability": "catalog", "stage": "canary", "percent": 101, "why": "x"}, 422, "percent"),
        ({"capability": "catalog", "stage": "canary", "percent": True, "why": "x"}, 422, "percent"),
        (
            {"capability": "catalog", "stage": "canary", "percent": 0.001, "why": "x"},
            422,
            "decimals",
        ),
        ({"capability": "catalog", "stage": "shadow"}, 422, "why"),
        ({"capability": "catalog", "stage": "shadow", "why": " "}, 422, "why"),
        ({"capability": "catalog", "stage": "shadow", "why": "a\nb"}, 422, "why"),
        ({"capability": "catalog", "stage": "shadow", "why": "x", "extra": 1}, 422, "extra"),
        ({"capability": 7, "stage": "shadow", "why": "x"}, 422, "capability"),
        ([], 422, "body"),
        (b"{", 400, "JSON"),
        (b"[" * 30_000, 400, "JSON"),
        (b'{"why": "' + b"x" * 70_000 + b'"}', 413, "longer"),
    ],
)
def test_set_refuses_what_it_cannot_do_and_says_why(
    fig: Fig, body: object, status: int, word: str
) -> None:
    before = fig.generation
    got, headers, answer = fig.admin("POST", "/api/set", body)
    assert got == status
    assert headers["content-type"] == "application/problem+json"
    problem = json.loads(answer)
    assert problem["status"] == status
    assert problem["mend"]
    assert word in answer.decode()
    assert fig.generation == before


def test_set_refuses_to_edit_a_file_with_mistakes(fig: Fig) -> None:
    fig.edit("workers: 1", "workers: one")
    status, _, body = fig.admin(
        "POST", "/api/set", {"capability": "catalog", "stage": "shadow", "why": "x"}
    )
    assert status == 409
    assert any("workers" in problem for problem in json.loads(body)["problems"])
    assert "stage: monolith" in fig.config.read_text()


def test_set_works_on_what_was_saved_a_moment_before(fig: Fig) -> None:
    fig.edit("- GET /api/catalog/**", "- GET /api/catalog/**\n      - GET /api/more/**")
    fig.set("catalog", "service")
    assert answered_by(fig, "/api/more/1") == "catalog"


def test_abort_holds_at_once_over_a_bad_file_and_set_lifts_it(fig: Fig) -> None:
    fig.set("catalog", "service")
    good = fig.config.read_text()
    fig.save(good + "bogus: 1\n")
    wait_until(lambda: fig.status()["config_bad"])

    status, _, body = fig.admin("POST", "/api/abort", {"capability": "catalog", "why": "prices"})
    answer = json.loads(body)
    assert status == 200
    assert answer["persisted"] is True
    assert answer["already_aborted"] is False
    assert answer["file_followed"] is False
    assert "bogus" not in answer["file_reason"] or "mend" in answer["file_reason"]
    assert answered_by(fig) == "monolith"
    (capability,) = fig.status()["capabilities"]
    assert capability["aborted"]["why"] == "prices"

    fig.save(good)  # says service still: the abort wins
    wait_until(lambda: fig.status()["config_bad"] is None)
    assert answered_by(fig) == "monolith"

    again = json.loads(fig.admin("POST", "/api/abort", {"capability": "catalog", "why": "x"})[2])
    assert again["already_aborted"] is True
    assert again["file_followed"] is True
    assert "stage: monolith" in fig.config.read_text()

    assert fig.set("catalog", "service")["lifted_abort"] is True
    assert answered_by(fig) == "catalog"


@pytest.mark.slow
def test_an_abort_holds_over_a_restart(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig().start()
    fig.set("catalog", "service")
    fig.admin("POST", "/api/abort", {"capability": "catalog", "why": "prices"})
    assert fig.stop() == 0
    fig.config.write_text(fig.config.read_text().replace("stage: monolith", "stage: service"))
    fig.start()
    assert answered_by(fig) == "monolith"


def test_overrides_that_cannot_be_read_refuse_the_start(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    fig.state_dir.mkdir()
    (fig.state_dir / "overrides.json").write_text('{"overrides": [{"capability"')
    process = fig.launch()
    assert process.wait(20) == 1
    assert "overrides.json" in fig.log()


@pytest.mark.slow
def test_abort_holds_when_the_file_cannot_be_written(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    if os.geteuid() == 0:
        if (setpriv := shutil.which("setpriv")) is None:
            pytest.skip("root writes anywhere, and there is no setpriv to take that away")
        fig.prefix = [setpriv, "--bounding-set", "-all", "--inh-caps", "-all"]
    fig.config.write_text(fig.config.read_text().replace("stage: monolith", "stage: service"))
    fig.state_dir.mkdir()
    (fig.folder / "fig.log").touch()
    fig.config.chmod(0o444)
    fig.folder.chmod(0o555)
    try:
        fig.start()
        refused, _, body = fig.admin(
            "POST", "/api/set", {"capability": "catalog", "stage": "shadow", "why": "x"}
        )
        assert refused == 409
        assert "may not be written" in body.decode()
        assert answered_by(fig) == "catalog"

        answer = json.loads(
            fig.admin("POST", "/api/abort", {"capability": "catalog", "why": "x"})[2]
        )
        assert answer["persisted"] is True
        assert answer["file_followed"] is False
        assert "may not be written" in answer["file_reason"]
        assert answered_by(fig) == "monolith"
        assert "stage: service" in fig.config.read_text()
    finally:
        fig.folder.chmod(0o755)


@contextmanager
def no_room(fig: Fig) -> Iterator[None]:
    """No file of the supervisor, or of a child that it starts, can grow: what a full disk is to them."""
    assert fig.process is not None
    resource.prlimit(fig.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(fig.process.pid, resource.RLIMIT_FSIZE, unlimited)


def test_abort_holds_at_once_on_a_full_disk_and_is_written_down_later(fig: Fig) -> None:
    fig.set("catalog", "service")
    body = {"capability": "catalog", "why": "prices"}
    with no_room(fig):
        status, _, answer = fig.admin("POST", "/api/abort", body)
        first = json.loads(answer)
        assert status == 200, first
        assert (first["persisted"], first["file_followed"]) == (False, False)
        assert len(first["workers"]) == 1
        assert answered_by(fig) == "monolith"
        assert (
            fig.admin("POST", "/api/set", {"capability": "catalog", "stage": "shadow", "why": "x"})[
                0
            ]
            == 409
        )
    assert "catalog" not in overrides.load(fig.state_dir)

    again = json.loads(fig.admin("POST", "/api/abort", body)[2])
    assert again["already_aborted"] is True
    assert (again["persisted"], again["file_followed"]) == (True, True)
    assert overrides.load(fig.state_dir)["catalog"].why == "prices"
    assert answered_by(fig) == "monolith"


async def test_a_file_that_names_others_is_tried_again_until_they_are_good(
    make_fig: Callable[..., Fig], tmp_path: Path
) -> None:
    source = Source(make_fig().config)
    written = source.parse(source.read())
    running = Running(written.config, written.rules, {}, 1, written.key, None, "key")
    workers = Workers()
    workers.acknowledge.set()
    wrong: list[str] = []

    def admit(_: Written) -> None:
        if wrong:
            raise NamedFilesError(tuple(wrong))

    changes = Changes(source, tmp_path, running, workers.spread, lambda *_: None, admit)
    text = source.path.read_text()
    source.path.write_text(text.replace("stage: monolith", "stage: service"))
    for problem in ("c.pem is not there", "c.key is not there"):
        wrong[:] = [problem]
        for _ in range(3):
            await changes.look()
        assert changes.refused is not None
        assert changes.refused.problems == (problem,)
    # Mistakes in the file itself are looked for once, as ever; and saving it back is no change.
    saved = source.path.read_text()
    source.path.write_text("listen: 1")
    for _ in range(3):
        await changes.look()
    source.path.write_text(saved)
    os.utime(source.path, (1, 1))
    await changes.look()
    assert workers.sent == []
    wrong.clear()
    await changes.look()
    await changes.look()
    assert [message.generation for message in workers.sent] == [2]
    assert changes.refused is None
    assert changes.last is not None
    assert changes.last.why == "certificate mended"
    entries = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [entry["event"] for entry in entries] == ["config_refused"] * 4 + ["reload"]


class Workers:
    """Where changes are sent: the first one is acknowledged when the test says so, the others at once."""

    def __init__(self) -> None:
        self.sent: list[SnapshotMessage] = []
        self.was_sent = asyncio.Event()
        self.acknowledge = asyncio.Event()

    async def spread(self, message: SnapshotMessage) -> Spread:
        self.sent.append(message)
        if len(self.sent) == 1:
            self.was_sent.set()
            await self.acknowledge.wait()
        return Spread({0: 1.0}, (), ())


async def test_an_abort_waits_for_no_set_whose_worker_hangs(
    make_fig: Callable[..., Fig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "_FOLLOW_TIMEOUT_S", 0.05)
    source = Source(make_fig().config)
    written = source.parse(source.read())
    running = Running(written.config, written.rules, {}, 1, written.key, None, "key")
    workers = Workers()
    changes = Changes(source, tmp_path, running, workers.spread, lambda *_: None)
    setting = asyncio.create_task(
        changes.set("catalog", Stage.SERVICE, None, who="a", why="it is ready")
    )
    await asyncio.wait_for(workers.was_sent.wait(), 10)

    answer = await asyncio.wait_for(changes.abort("catalog", who="b", why="prices"), 10)
    assert not setting.done()
    assert answer["generation"] == 3
    assert answer["persisted"] is True
    assert answer["file_followed"] is False
    assert "could not be had" in answer["file_reason"]
    assert list(workers.sent[-1].overrides) == ["catalog"]
    assert changes.running.config.capabilities["catalog"].stage is Stage.SERVICE

    workers.acknowledge.set()
    assert (await asyncio.wait_for(setting, 10))["changed"] is True
    assert list(changes.running.overrides) == ["catalog"]
    assert changes.last is not None
    assert changes.last.what == "abort"  # the later of the two, although it ended first
    monkeypatch.undo()  # the file is free now, but the machine may be slow
    again = await changes.abort("catalog", who="b", why="prices")
    assert (again["already_aborted"], again["file_followed"]) == (True, True)
    assert "stage: monolith" in source.path.read_text()
