"""Putting the new text in place: only over what was read, never half, and not where it may not be."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stranglerfig.config.edit import Changed, write_atomically
from stranglerfig.config.load import digest_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fig.yaml"
    path.write_bytes("old: é\r\n".encode())
    return path


OLD = digest_of("old: é\r\n")


def test_the_text_is_there_byte_for_byte(file: Path) -> None:
    write_atomically(file, "new: ü\r\n", OLD)
    assert file.read_bytes() == "new: ü\r\n".encode()
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_somebody_changed_is_left_alone(file: Path) -> None:
    file.write_text("theirs")
    with pytest.raises(Changed, match="changed by somebody else"):
        write_atomically(file, "new", OLD)
    assert file.read_text() == "theirs"
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_gone_is_not_made_again(file: Path) -> None:
    file.unlink()
    with pytest.raises(Changed):
        write_atomically(file, "new", OLD)
    assert not file.exists()


def test_mode_and_owner_stay(file: Path) -> None:
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, 54321)
    before = file.stat()
    write_atomically(file, "new", OLD)
    after = file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode, before.st_uid, before.st_gid,
    )  # fmt: skip


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "fig.yaml"
    link.symlink_to(file)
    write_atomically(link, "new", OLD)
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_the_same_text_is_not_written_again(file: Path) -> None:
    before = file.stat()
    write_atomically(file, "old: é\r\n", OLD)
    assert file.stat().st_ino == before.st_ino


MOUNTED = """
import sys
from pathlib import Path
from stranglerfig.config.edit import EditError, ReadOnly, write_atomically
from stranglerfig.config.load import digest_of, read_text
path = Path(sys.argv[1])
try:
    write_atomically(path, sys.argv[2], digest_of(read_text(path)))
except ReadOnly as error:
    print(isinstance(error, EditError), error.message)
"""


def in_a_mount(file: Path, options: str, text: str) -> str:
    """Write ``text`` to a file that is itself a mount point, in a mount namespace of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare")
    outside = file.with_name("outside")
    outside.write_bytes(file.read_bytes())
    script = (
        f'mount --bind "{outside}" "{file}" && mount -o remount,bind{options} "{file}" || exit 77; '
        f'exec "{sys.executable}" -c "$0" "{file}" "$1"'
    )
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script, MOUNTED, text],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("mounting is not allowed here")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("text", ["x", "a much longer text than the old one\n" * 10])
def test_a_file_mounted_into_a_container_is_written_in_place(file: Path, text: str) -> None:
    assert in_a_mount(file, "", text) == ""
    assert file.with_name("outside").read_text() == text


def test_a_file_mounted_read_only_is_left_alone(file: Path) -> None:
    said = in_a_mount(file, ",ro", "x")
    assert said == f"True {file} may not be written ({os.strerror(errno.EROFS)})"
    assert file.with_name("outside").read_bytes() == file.read_bytes()


def test_a_reader_sees_the_old_or_the_new_text_and_never_half_of_one(file: Path) -> None:
    texts = ["a" * 50_000, "b" * 70_000]
    file.write_text(texts[0])
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(file.read_text())

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for turn in range(60):
            old, new = texts[turn % 2], texts[1 - turn % 2]
            write_atomically(file, new, digest_of(old))
    finally:
        done.set()
        reader.join()
    assert seen <= set(texts)


FOREVER = """
import sys
from pathlib import Path
from stranglerfig.config.edit import write_atomically
from stranglerfig.config.load import digest_of
path, texts = Path(sys.argv[1]), ["a" * 200_000, "b" * 200_000]
print("ready", flush=True)
turn = 0
while True:
    write_atomically(path, texts[1 - turn], digest_of(texts[turn]))
    turn = 1 - turn
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_a_whole_file(file: Path) -> None:
    for _ in range(5):
        file.write_text("a" * 200_000)
        process = subprocess.Popen(
            [sys.executable, "-c", FOREVER, str(file)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while file.read_text() == "a" * 200_000:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert file.read_text() in ("a" * 200_000, "b" * 200_000)


def test_a_full_disk_leaves_the_old_text(file: Path) -> None:
    # A limit on the size of files is the nearest thing to a full disk that needs no mount.
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); " + MOUNTED.strip()
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(file), "x" * 5000],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert os.strerror(errno.EFBIG) in done.stderr
    assert file.read_bytes() == "old: é\r\n".encode()
    assert list(file.parent.iterdir()) == [file]
