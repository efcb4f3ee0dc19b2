"""What the containers are given from outside is made once, and never made again over what is there."""

import os
import subprocess
import sys
from pathlib import Path

from compose_files.files import CONFIGS, owner

COMPOSE = Path(__file__).resolve().parents[1]


def make(folder: Path) -> "subprocess.CompletedProcess[str]":
    options = ("--folder", str(folder / "stack"), "--env", str(folder / "env"))
    return subprocess.run(
        [sys.executable, "-S", "-m", "compose_files", *options],  # -S: nothing that is installed
        cwd=COMPOSE,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        umask=0o077,
    )


def test_everything_is_made_and_kept_at_the_next_time(tmp_path: Path) -> None:
    first = make(tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    secrets = {file.name: file.read_text() for file in (tmp_path / "stack/secrets").iterdir()}
    assert len(set(secrets.values())) == len(secrets) == 11
    assert min(map(len, secrets.values())) >= 64
    for source, name in CONFIGS.items():
        copy = tmp_path / "stack" / "fig" / name
        assert copy.read_text() == (COMPOSE / source).read_text()
        assert f"made {copy}" in first.stdout
    (tmp_path / "stack" / "fig" / "fig.yaml").write_text("# mine\n")

    second = make(tmp_path)
    assert second.returncode == 0
    assert second.stdout.startswith("everything is there: ")
    assert secrets == {
        file.name: file.read_text() for file in (tmp_path / "stack/secrets").iterdir()
    }
    assert (tmp_path / "stack" / "fig" / "fig.yaml").read_text() == "# mine\n"


def test_what_is_missing_is_made_to_fit_what_is_there(tmp_path: Path) -> None:
    make(tmp_path)
    secrets = tmp_path / "stack" / "secrets"
    password = (secrets / "catalog_database_password").read_text()
    (secrets / "catalog_database_url").unlink()
    done = make(tmp_path)
    assert done.stdout == f"made {secrets / 'catalog_database_url'}\n"
    assert (secrets / "catalog_database_url").read_text() == (
        f"postgresql://shopsmart_catalog:{password}@database/shopsmart_catalog"
    )


def test_a_url_that_lacks_its_password_and_an_empty_secret_are_refused(tmp_path: Path) -> None:
    make(tmp_path)
    secrets = tmp_path / "stack" / "secrets"
    (secrets / "catalog_database_password").unlink()
    refused = make(tmp_path)
    assert refused.returncode == 2
    url = secrets / "catalog_database_url"
    assert f"{url} does not hold what is in catalog_database_password" in refused.stderr
    url.unlink()
    assert make(tmp_path).returncode == 0

    (secrets / "fig_secret").unlink()
    (secrets / "fig_secret").touch()
    empty = make(tmp_path)
    assert empty.returncode == 2
    assert f"{secrets / 'fig_secret'} is empty: delete it, and run this again" in empty.stderr


def test_a_secret_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "stack" / "secrets"
    folder.mkdir(parents=True)
    # No file of more than ten bytes may be written: a disk that fills up.
    code = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10));"
        f"sys.argv = ['compose_files', '--folder', {str(tmp_path / 'stack')!r}, '--env', {str(tmp_path / 'env')!r}];"
        "runpy.run_module('compose_files', run_name='__main__')"
    )
    failed = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=COMPOSE,
        check=False,
        capture_output=True,
        text=True,
    )
    assert failed.returncode == 2, failed.stderr
    assert list(folder.iterdir()) == []


def test_others_on_this_machine_read_no_secret_and_containers_do(tmp_path: Path) -> None:
    make(tmp_path)
    stack = tmp_path / "stack"
    assert stack.stat().st_mode & 0o777 == 0o700
    assert (stack / "secrets").stat().st_mode & 0o777 == 0o700
    for file in (stack / "secrets").iterdir():
        # Mounted one by one, into containers whose users are not ours.
        assert file.stat().st_mode & 0o777 == 0o444, file.name


def test_the_proxy_is_run_as_who_owns_its_folder_and_never_as_root(tmp_path: Path) -> None:
    make(tmp_path)
    user, group = owner()
    assert user > 0
    if os.getuid():
        assert (user, group) == (os.getuid(), os.getgid())
    for path in (tmp_path / "stack" / "fig", tmp_path / "stack" / "fig" / "fig.yaml"):
        assert (path.stat().st_uid, path.stat().st_gid) == (user, group)
    assert (tmp_path / "env").read_text() == (
        f"COMPOSE_PROJECT_NAME=shopsmart\nSTACK_USER={user}:{group}\n"
    )


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "stack").write_text("a file")
    failed = make(tmp_path)
    assert failed.returncode == 2
    assert failed.stderr.startswith("compose_files: ")
    assert str(tmp_path / "stack") in failed.stderr
