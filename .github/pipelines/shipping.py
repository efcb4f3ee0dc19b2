"""What `make image`, `try-image`, `push-image` and `deploy` do: a part is built once, started once, and deployed by the digest of what was pushed.

Python's own library is all it needs, so that a machine which only deploys installs nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
WELL_WITHIN_S = 120  # from nothing, with its tables to be made, on a busy machine
DOCKERS_OWN = ("docker.io", "index.docker.io")
WHERE_TO_LOOK = "docs/pipelines.md says what a team fills in."


class Mistake(Exception):  # noqa: N818
    """Nothing was done; the text says what is missing."""


class Unwell(Exception):  # noqa: N818
    """An image that was built does not work."""


def image(part: str) -> None:
    """Build the part's image, with the root of the repository as context."""
    dockerfile = Path(part, "Dockerfile")
    if not (ROOT / dockerfile).is_file():
        raise Mistake(f"there is no {dockerfile}, so {part} is no image.")
    labels = (f"VERSION={_manifest(part)['project']['version']}", f"REVISION={_commit()}")
    arguments = [word for label in labels for word in ("--build-arg", label)]
    _run("docker", "build", "--file", str(dockerfile), "--tag", _local(part), *arguments, ".")


def try_out(part: str) -> None:
    """Start what `image` has built, alone, without a network and with a root that cannot be written, and wait until it says it is well.

    `[tool.trial]` of its pyproject.toml says what it needs for that: `prepare`, run in the container before its command,
    and `environment`.
    """
    trial = _manifest(part).get("tool", {}).get("trial", {})
    known = json.loads(
        _run("docker", "image", "inspect", "--format", "{{json .Config}}", _local(part), read=True)
    )
    if "Healthcheck" not in known:
        raise Mistake(f"{_local(part)} has no HEALTHCHECK, so nobody can tell whether it works.")
    settings = [f"{name}={value}" for name, value in trial.get("environment", {}).items()]
    options = [word for setting in settings for word in ("--env", setting)]
    script = f'{trial.get("prepare", ":")} && exec "$@"'
    container = _run(
        *("docker", "run", "--detach", "--init", "--network", "none", "--read-only"),
        *("--tmpfs", "/tmp:mode=1777", "--health-start-period", f"{WELL_WITHIN_S}s"),  # noqa: S108 - inside it
        *(*options, _local(part), "sh", "-c", script, "sh", *known["Cmd"]),
        read=True,
    ).strip()
    try:
        _wait_until_well(part, container)
    finally:
        _run("docker", "rm", "--force", "--volumes", container, read=True)


def _wait_until_well(part: str, container: str) -> None:
    until = time.monotonic() + WELL_WITHIN_S
    state = "{{.State.Status}} {{.State.Health.Status}}"
    while time.monotonic() < until:
        told = _run("docker", "inspect", "--format", state, container, read=True).strip()
        if told == "running healthy":
            print(f"{part}: its image starts, and says that it is well")  # noqa: T201
            return
        if told != "running starting":
            break
        time.sleep(0.5)
    _run("docker", "logs", container)
    raise Unwell(f"{part}: its image does not get well ({told}); above is what it said")


def push(part: str) -> None:
    """Push what `image` has built, and say by which digest the registry knows it."""
    registry = _filled_in(
        "IMAGE_REGISTRY", "the registry, and the path in it, that images are pushed to"
    ).rstrip("/")
    host, _, path = registry.partition("/")
    if not ("." in host or ":" in host or host == "localhost"):
        raise Mistake(
            f"IMAGE_REGISTRY begins with the registry's host, as docker.io/acme does; it is {registry!r}."
        )
    user, password = (
        os.environ.get("IMAGE_REGISTRY_USER"),
        os.environ.get("IMAGE_REGISTRY_PASSWORD"),
    )
    if user and password:
        _run("docker", "login", "--username", user, "--password-stdin", host, given=password)
    name = f"{registry}/{_name(part)}"
    _run("docker", "tag", _local(part), f"{name}:{_commit()}")
    _run("docker", "push", f"{name}:{_commit()}")
    known = _run(
        "docker",
        "image",
        "inspect",
        "--format",
        '{{join .RepoDigests "\\n"}}',
        f"{name}:{_commit()}",
        read=True,
    )
    # docker leaves its own registry's host out of the names.
    names = (name, f"{path}/{_name(part)}") if host in DOCKERS_OWN else (name,)
    digests = (line.rpartition("@") for line in known.split())
    digest = next((digest for of, _, digest in digests if of in names), None)
    if digest is None:
        raise Mistake(f"docker knows no digest of {name}; was it pushed?")
    pushed = f"{name}@{digest}"
    print(f"pushed {pushed}")  # noqa: T201
    if outputs := os.environ.get("GITHUB_OUTPUT"):
        with Path(outputs).open("a") as file:
            file.write(f"image={pushed}\n")


def deploy(part: str) -> None:
    """Hand an image to the team's own command, which is told by its environment what goes where."""
    wanted = os.environ.get("IMAGE", "")
    if not DIGEST.fullmatch(wanted):
        raise Mistake(
            f"IMAGE names an image by its digest, name@sha256:…, so that what was tested is what is deployed; it is {wanted!r}."
        )
    to = _filled_in("TO", "where it is deployed, such as staging")
    command = _filled_in("DEPLOY_COMMAND", f"the command that brings $IMAGE of $PART to {to}")
    print(f"{part} {wanted} to {to}", flush=True)  # noqa: T201
    _run(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        command,
        environment={"PART": part, "NAME": _name(part), "TO": to},
    )


def _filled_in(name: str, what: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise Mistake(f"{name} is not filled in: {what}. {WHERE_TO_LOOK}")
    return value


def _manifest(part: str) -> dict[str, Any]:
    file = ROOT / part / "pyproject.toml"
    if not part or not file.is_file():
        raise Mistake(
            f"{part or 'nothing'} is no part: PART is a folder with a pyproject.toml, such as chassis."
        )
    return tomllib.loads(file.read_text())


def _name(part: str) -> str:
    return str(_manifest(part)["project"]["name"])


def _local(part: str) -> str:
    return f"{_name(part)}:built"


def _commit() -> str:
    return _run("git", "rev-parse", "HEAD", read=True).strip()


def _run(
    *command: str,
    given: str | None = None,
    read: bool = False,
    environment: dict[str, str] | None = None,
) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | (environment or {}),
        input=given,
        stdout=subprocess.PIPE if read else None,
        text=True,
        check=False,
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command[:2])
    return done.stdout or ""


STEPS = {"image": image, "try": try_out, "push": push, "deploy": deploy}


def main() -> int:
    """Exit code 1: a command failed, or an image does not get well, and said why; 2: something is not filled in."""
    parser = argparse.ArgumentParser(prog="shipping", description=__doc__)
    parser.add_argument("what", choices=tuple(STEPS))
    parser.add_argument("part", nargs="?", default="")
    asked = parser.parse_args()
    try:
        STEPS[asked.what](asked.part)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)  # noqa: T201
        return 2
    except Unwell as found:
        print(found, file=sys.stderr)  # noqa: T201
        return 1
    except subprocess.CalledProcessError as failed:
        print(f"{' '.join(failed.cmd)} ended with exit code {failed.returncode}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
