"""An image is built once and deployed by its digest, and what is not filled in is said. Docker is a stand-in that notes what it is told."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflows import ROOT

SHIPPING = Path(".github", "pipelines", "shipping.py")
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
DOCKER = f"""#!/bin/sh
WELL='{{"Cmd": ["serve", "it"], "Healthcheck": {{"Test": ["CMD", "true"]}}}}'
printf '%s\\n' "$*" >> "$ASKED"
case "$*" in
  login*) cat >> "$ASKED" ;;
  *json*) printf '%s' "${{CONFIG:-$WELL}}" ;;
  "image inspect"*) printf 'elsewhere/x@{DIGEST}\\n%s/stranglerfig-chassis@{DIGEST}\\n' "${{NAMED:-registry.example/shop}}" ;;
  run*) echo c0ffee ;;
  inspect*) echo "$STATE" ;;
  logs*) echo "cannot find its tables" ;;
  push*) exit "${{PUSH:-0}}" ;;
esac
"""


class Shop:
    """A machine with docker; `asked` is what docker was told."""

    def __init__(self, folder: Path) -> None:
        self.asked = folder / "asked"
        self.asked.touch()
        self.outputs = folder / "outputs"
        docker = folder / "docker"
        docker.write_text(DOCKER)
        docker.chmod(0o755)
        self._path = f"{folder}:/usr/bin:/bin"

    def run(
        self, *words: str, root: Path = ROOT, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        environment |= {"PATH": self._path, "ASKED": str(self.asked)}
        environment |= {"GITHUB_OUTPUT": str(self.outputs)}
        return subprocess.run(
            [sys.executable, str(root / SHIPPING), *words],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_an_image_is_built_from_the_root_and_says_what_it_is_of(shop: Shop, tmp_path: Path) -> None:
    """In a copy, since not every part is an image."""
    house = tmp_path / "house"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(house)], check=True)
    (house / "chassis" / "Dockerfile").write_text("FROM scratch\n")
    pipelines = ROOT / ".github" / "pipelines"
    shutil.copytree(pipelines, house / ".github" / "pipelines", dirs_exist_ok=True)
    done = shop.run("image", "chassis", root=house)
    assert done.returncode == 0, done.stderr
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    assert shop.asked.read_text() == (
        "build --file chassis/Dockerfile --tag stranglerfig-chassis:built"
        f" --build-arg VERSION=0.1.0 --build-arg REVISION={head} .\n"
    )


def test_an_image_is_tried_out_alone_with_what_its_manifest_says(
    shop: Shop, tmp_path: Path
) -> None:
    """In a copy of two files, since the chassis is no image."""
    house = tmp_path / "house"
    (house / SHIPPING).parent.mkdir(parents=True)
    shutil.copy(ROOT / SHIPPING, house / SHIPPING)
    (house / "chassis").mkdir()
    (house / "chassis" / "pyproject.toml").write_text(
        '[project]\nname = "stranglerfig-chassis"\n'
        '[tool.trial]\nprepare = "make tables"\nenvironment = { PLACE = "/tmp/x" }\n'
    )
    done = shop.run("try", "chassis", root=house, STATE="running healthy")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "chassis: its image starts, and says that it is well\n"
    _, started, _, removed = shop.asked.read_text().splitlines()
    assert started.startswith("run --detach --init --network none --read-only ")
    assert started.endswith(
        ' --env PLACE=/tmp/x stranglerfig-chassis:built sh -c make tables && exec "$@" sh serve it'
    )
    assert removed == "rm --force --volumes c0ffee"


@pytest.mark.parametrize("state", ["running unhealthy", "exited starting", "exited unhealthy"])
def test_an_image_that_does_not_get_well_says_why_and_is_removed(shop: Shop, state: str) -> None:
    done = shop.run("try", "chassis", STATE=state)
    assert done.returncode == 1
    assert done.stdout == "cannot find its tables\n"
    assert done.stderr == f"chassis: its image does not get well ({state}); above is what it said\n"
    assert shop.asked.read_text().splitlines()[-1] == "rm --force --volumes c0ffee"


def test_an_image_that_cannot_say_how_it_is_is_refused(shop: Shop) -> None:
    done = shop.run("try", "chassis", CONFIG='{"Cmd": ["serve"]}')
    assert done.returncode == 2
    assert "stranglerfig-chassis:built has no HEALTHCHECK" in done.stderr
    assert "run " not in shop.asked.read_text()


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io"])
def test_dockers_own_registry_is_left_out_of_the_names_that_docker_knows(
    shop: Shop, host: str
) -> None:
    done = shop.run("push", "chassis", IMAGE_REGISTRY=f"{host}/acme", NAMED="acme")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"pushed {host}/acme/stranglerfig-chassis@{DIGEST}\n"
    assert shop.run("push", "chassis", IMAGE_REGISTRY=f"{host}/acme", NAMED="x/acme").returncode


@pytest.mark.parametrize("registry", ["acme", "acme/shop", "/shop"])
def test_a_registry_without_a_host_is_refused(shop: Shop, registry: str) -> None:
    words = {"IMAGE_REGISTRY_USER": "robot", "IMAGE_REGISTRY_PASSWORD": "open sesame"}
    done = shop.run("push", "chassis", IMAGE_REGISTRY=registry, **words)
    assert done.returncode == 2
    assert "as docker.io/acme does" in done.stderr
    assert shop.asked.read_text() == ""


def test_what_is_pushed_is_called_by_its_digest(shop: Shop) -> None:
    done = shop.run("push", "chassis", IMAGE_REGISTRY="registry.example/shop")
    assert done.returncode == 0, done.stderr
    name = f"registry.example/shop/stranglerfig-chassis@{DIGEST}"
    assert done.stdout == f"pushed {name}\n"
    assert shop.outputs.read_text() == f"image={name}\n"
    tagged, pushed, inspected = shop.asked.read_text().splitlines()
    assert tagged.startswith(
        "tag stranglerfig-chassis:built registry.example/shop/stranglerfig-chassis:"
    )
    assert pushed == f"push {tagged.split()[-1]}"
    assert inspected.endswith(tagged.split()[-1])


def test_the_password_of_the_registry_goes_by_stdin(shop: Shop) -> None:
    words = {"IMAGE_REGISTRY_USER": "robot", "IMAGE_REGISTRY_PASSWORD": "open sesame"}
    done = shop.run("push", "chassis", IMAGE_REGISTRY="registry.example/shop", **words)
    assert done.returncode == 0
    told = shop.asked.read_text()
    assert told.startswith("login --username robot --password-stdin registry.example\nopen sesame")
    assert "sesame" not in done.stdout + done.stderr


def test_a_push_that_fails_hands_nothing_on(shop: Shop) -> None:
    done = shop.run("push", "chassis", IMAGE_REGISTRY="registry.example/shop", PUSH="3")
    assert (done.returncode, done.stderr) == (1, "docker push ended with exit code 3\n")
    assert not shop.outputs.exists()


def test_the_teams_command_is_told_what_goes_where(shop: Shop) -> None:
    command = 'printf "%s|" "$PART" "$NAME" "$TO" "$IMAGE" "$DEPLOY_TOKEN"'
    words = {"IMAGE": f"r/x@{DIGEST}", "TO": "staging", "DEPLOY_TOKEN": "t"}
    done = shop.run("deploy", "chassis", DEPLOY_COMMAND=command, **words)
    assert done.returncode == 0, done.stderr
    first, told = done.stdout.splitlines()
    assert first == f"chassis r/x@{DIGEST} to staging"
    assert told == f"chassis|stranglerfig-chassis|staging|r/x@{DIGEST}|t|"


@pytest.mark.parametrize("command", ["exit 7", "false; echo on", "false | cat"])
def test_a_command_that_fails_fails_the_deployment(shop: Shop, command: str) -> None:
    words = {"IMAGE": f"r/x@{DIGEST}", "TO": "staging"}
    assert shop.run("deploy", "chassis", DEPLOY_COMMAND=command, **words).returncode == 1


@pytest.mark.parametrize(
    ("what", "environment", "says"),
    [
        ("push", {}, "IMAGE_REGISTRY is not filled in"),
        ("deploy", {"TO": "staging", "DEPLOY_COMMAND": "true"}, "IMAGE names an image by its digest"),
        ("deploy", {"IMAGE": "r/x:latest", "TO": "staging", "DEPLOY_COMMAND": "true"}, "it is 'r/x:latest'"),
        ("deploy", {"IMAGE": f"r/x@{DIGEST}", "DEPLOY_COMMAND": "true"}, "TO is not filled in"),
        ("deploy", {"IMAGE": f"r/x@{DIGEST}", "TO": "production"}, "DEPLOY_COMMAND is not filled in: the command that brings $IMAGE of $PART to production. docs/pipelines.md"),
        ("image", {}, "there is no chassis/Dockerfile"),
    ],
)  # fmt: skip
def test_what_is_not_filled_in_is_said_and_nothing_is_done(
    shop: Shop, what: str, environment: dict[str, str], says: str
) -> None:
    done = shop.run(what, "chassis", **environment)
    assert done.returncode == 2
    assert says in done.stderr
    assert shop.asked.read_text() == ""


@pytest.mark.parametrize("what", ["push", "try"])
@pytest.mark.parametrize("part", ["", "docs"])
def test_what_is_no_part_is_said(shop: Shop, what: str, part: str) -> None:
    done = shop.run(what, part, IMAGE_REGISTRY="registry.example")
    assert done.returncode == 2
    assert "PART is a folder with a pyproject.toml" in done.stderr
