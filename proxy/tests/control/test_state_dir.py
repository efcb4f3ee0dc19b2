"""What stands in state_dir survives kills, damage and two at once; addresses that are taken are said to be."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stranglerfig.control import audit, overrides, sockets
from stranglerfig.control.environment import SecretError, secret
from stranglerfig.control.lock import LockedError, StateLock, is_locked, read_serve, write_serve
from stranglerfig.control.overrides import OverridesError
from stranglerfig.routing.override import Override

ABORT = Override(capability="catalog", since=1.5, who="a@b", why="prices")


def test_overrides_come_back_as_they_were_saved(tmp_path: Path) -> None:
    assert overrides.load(tmp_path) == {}
    overrides.save(tmp_path, {"catalog": ABORT})
    assert overrides.load(tmp_path) == {"catalog": ABORT}
    overrides.save(tmp_path, {})
    assert overrides.load(tmp_path) == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"overrides": [1]}',
        '{"overrides": [{"capability": "x"}]}',
        "\x00",
        "null",
    ],
)
def test_damaged_overrides_are_never_taken_for_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "overrides.json").write_text(content)
    with pytest.raises(OverridesError, match="remove it"):
        overrides.load(tmp_path)


def test_a_process_killed_while_saving_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    overrides.save(tmp_path, {"catalog": ABORT})
    code = (
        "import sys\nfrom pathlib import Path\nfrom stranglerfig.control import overrides\n"
        "from stranglerfig.routing.override import Override\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    overrides.save(Path(sys.argv[1]), {'catalog': Override('catalog', float(n), 'w' * 5000, 'y')})\n"
        "    if n == 3: print('saving', flush=True)\n"
    )
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"saving\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert overrides.load(tmp_path)["catalog"].since >= 3


def test_the_audit_log_reads_over_a_line_that_was_cut(tmp_path: Path) -> None:
    audit.append(tmp_path, "set", why="ä\n", who="a@b")
    with (tmp_path / "audit.jsonl").open("a") as file:
        file.write('{"event": "cut')
    audit.append(tmp_path, "abort", path=tmp_path)
    entries = audit.read(tmp_path)
    assert [entry["event"] for entry in entries] == ["set", "abort"]
    assert entries[0]["why"] == "ä\n"


def test_an_audit_log_that_cannot_be_written_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    audit.append(tmp_path, "abort", why="x")


def test_the_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    code = (
        "import sys\nfrom pathlib import Path\nfrom stranglerfig.control.lock import StateLock\n"
        "lock = StateLock.acquire(Path(sys.argv[1]), 'fig serve')\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    assert is_locked(tmp_path)
    with pytest.raises(LockedError, match=rf"fig serve \(pid {holder.pid}\)"):
        StateLock.acquire(tmp_path, "fig set")
    holder.kill()
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    assert not is_locked(tmp_path)
    StateLock.acquire(tmp_path, "fig set").release()


def test_slots_share_an_address_and_a_stranger_does_not_get_in() -> None:
    first, second = sockets.listen("127.0.0.1", 0, slots=2)
    with first, second:
        port = first.getsockname()[1]
        assert second.getsockname()[1] == port
        assert sockets.is_at(first, "127.0.0.1", port)
        assert sockets.is_at(first, "localhost", 0)
        assert not sockets.is_at(first, "127.0.0.1", port + 1)
        with pytest.raises(sockets.AddressError, match=rf"already in use by pid {os.getpid()}"):
            sockets.probe("127.0.0.1", port)
        with pytest.raises(sockets.AddressError, match="already in use"):
            sockets.listen_once("127.0.0.1", port)
    sockets.probe("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(sockets.AddressError, match=host):
        sockets.probe(host, 8000)


def test_a_socket_that_does_not_listen_is_not_adopted() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert not sockets.is_at(sock, "127.0.0.1", 0)


def test_secrets_come_as_a_value_or_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIG_SECRET", raising=False)
    monkeypatch.delenv("FIG_SECRET_FILE", raising=False)
    assert secret("FIG_SECRET") is None
    monkeypatch.setenv("FIG_SECRET", "")
    assert secret("FIG_SECRET") is None
    monkeypatch.setenv("FIG_SECRET", "value")
    assert secret("FIG_SECRET") == "value"
    monkeypatch.setenv("FIG_SECRET_FILE", str(tmp_path / "file"))
    with pytest.raises(SecretError, match="both set"):
        secret("FIG_SECRET")
    monkeypatch.delenv("FIG_SECRET")
    with pytest.raises(SecretError, match="can't be read"):
        secret("FIG_SECRET")
    for content, message in (
        (b"\n", "is empty"),
        (b"two\nlines", "one line"),
        (b"\xff\xfe", "can't be read"),
    ):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(SecretError, match=message) as raised:
            secret("FIG_SECRET")
        assert "two" not in str(raised.value)
    (tmp_path / "file").write_text("value\n")
    assert secret("FIG_SECRET") == "value"


def test_serve_json_is_whole_at_every_moment(tmp_path: Path) -> None:
    assert read_serve(tmp_path) is None
    write_serve(tmp_path, {"pid": 1})
    assert read_serve(tmp_path) == {"pid": 1}
    (tmp_path / "serve.json").write_text(json.dumps([1]))
    assert read_serve(tmp_path) is None


@pytest.mark.parametrize(
    "command", [["serve"], ["abort", "c"], ["set", "c", "shadow", "--why", "x"]]
)
def test_a_state_dir_that_cannot_be_made_is_a_plain_error(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "fig.yaml").write_text(
        "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nstate_dir: fig.yaml/inside\n"
        "upstreams: {monolith: http://127.0.0.1:1, new: http://127.0.0.1:2}\n"
        "capabilities: {c: {upstream: new, routes: [GET /x]}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "stranglerfig", *command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert f"state_dir {tmp_path}/fig.yaml/inside can't be used: Not a directory" in done.stderr
    assert "state_dir in fig.yaml" in done.stderr


def test_an_entry_that_found_no_room_is_logged_and_does_not_spoil_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit.append(tmp_path, "set", why="first")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = (tmp_path / "audit.jsonl").stat().st_size + 20
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        audit.append(tmp_path, "abort", why="cut in the middle")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr()
    assert "audit_not_written" in said.out + said.err
    assert "cut in the middle" in said.out + said.err
    audit.append(tmp_path, "set", why="third")
    assert [entry["why"] for entry in audit.read(tmp_path)] == ["first", "third"]


def test_somebody_who_looks_at_the_lock_is_not_taken_for_its_holder(tmp_path: Path) -> None:
    StateLock.acquire(tmp_path, "fig serve").release()
    ended = threading.Event()
    looks = 0

    def look() -> None:
        nonlocal looks
        while not ended.is_set():
            is_locked(tmp_path)
            looks += 1

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(300):
            StateLock.acquire(tmp_path, "fig serve").release()
    finally:
        ended.set()
        looking.join()
    assert looks > 0
