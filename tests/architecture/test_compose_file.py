"""The system in containers is the system of topology.yaml, and every image and service keeps the same rules."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FOLDER = ROOT / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((COMPOSE_FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
TOPOLOGY: dict[str, Any] = yaml.safe_load((COMPOSE_FOLDER / "topology.yaml").read_text())
PROCESSES: dict[str, Any] = TOPOLOGY["processes"]
DOCKERFILES = {
    service["build"]["dockerfile"] for service in SERVICES.values() if "build" in service
}

# What the one says and the other does not, and why.
ONLY_IN_CONTAINERS = {
    "SECRET_KEY": "names other than loopback are let in, so the public key will not do",
    "EMAIL_URL": "the demo writes mails into files",
    "SECURE_COOKIES": "who puts the shop behind https says so; the demo is plain http",
    "ALLOWED_HOSTS": "services ask the shop by its name in the network",
    "BIND": "the shop listens in one of its networks only",
    "TRUSTED_PROXIES": "the proxy is on another address",
    "FORWARDED_ALLOW_IPS": "the proxy is on another address",
}
ONLY_IN_THE_DEMO = {
    "MEDIA_ROOT": "the image says so",
    "THROTTLES": "the demo's customers buy faster than people do",
}
# One-shot services in place of the steps that prepare a process.
PREPARE = {
    "monolith": ("monolith-migrate", "monolith-seed"),
    "catalog": ("catalog-migrate", "catalog-backfill"),
}


ONCE = {"databases", *PREPARE["monolith"], *PREPARE["catalog"]}


def _dockerfile(service: str) -> str:
    return (ROOT / SERVICES[service]["build"]["dockerfile"]).read_text()


def _words(command: str) -> list[str]:
    return command.replace("{python}", "python").replace(" --verbosity 0", "").split()


def _environment(names: dict[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("_FILE"): value for name, value in names.items()}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_of_the_topology_is_a_service_with_the_same_settings(name: str) -> None:
    process, service = PROCESSES[name], SERVICES[name]
    theirs, ours = (_environment(each.get("environment", {})) for each in (process, service))
    assert set(ours) - set(theirs) <= set(ONLY_IN_CONTAINERS)
    assert set(theirs) - set(ours) <= set(ONLY_IN_THE_DEMO)
    if "port" in process:
        assert f"\nEXPOSE {process['port']}\n" in _dockerfile(name)
        assert f"127.0.0.1', {process['port']})" in _dockerfile(name), "its health check"
    for key in set(theirs) & set(ours):
        # A process that is reached by its port is reached by its name here.
        for other, port in (
            (other, each["port"]) for other, each in PROCESSES.items() if "port" in each
        ):
            if theirs[key] == f"http://127.0.0.1:{port}":
                assert ours[key] == f"http://{other}:{port}", key


@pytest.mark.parametrize("name", PROCESSES)
def test_it_is_prepared_and_started_by_the_same_commands(name: str) -> None:
    process = PROCESSES[name]
    prepared = [SERVICES[once]["command"] for once in PREPARE.get(name, ())]
    assert prepared == [_words(command) for command in process.get("prepare", ())]
    started = SERVICES[name].get("command") or json.loads(
        re.findall(r"(?m)^CMD (.*)$", _dockerfile(name))[-1]
    )
    # Addresses, files and access logs differ; the program and what it runs do not.
    wanted = _words(process["serve"])
    assert started[:4] == wanted[: len(started[:4])] or started[:3] == wanted[:3]


def test_fig_yaml_differs_in_places_alone() -> None:
    theirs, ours = (
        yaml.safe_load((COMPOSE_FOLDER / name).read_text())
        for name in ("fig.yaml", "fig.containers.yaml")
    )
    places = ("listen", "admin", "state_dir", "workers", "upstreams")
    assert {key: value for key, value in ours.items() if key not in places} == {
        key: value for key, value in theirs.items() if key not in places
    }
    assert ours["upstreams"] == {
        name: f"http://{name}:{PROCESSES[name]['port']}" for name in theirs["upstreams"]
    }
    assert "FIG_ADMIN_TOKEN_FILE" in SERVICES["proxy"]["environment"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_keeps_the_rules_of_all(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    for other, needed in service.get("depends_on", {}).items():
        condition = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert needed == {"condition": condition}, other
    assert "sleep" not in json.dumps(service)
    assert ("ports" in service) is (name == "proxy")
    assert "container_name" not in service, "it could not be scaled"
    for key in service.get("environment", {}):
        secret = re.search("PASSWORD|SECRET|CREDENTIAL|DATABASE_URL", key)
        assert not secret or key.endswith("_FILE"), key


def test_an_image_is_built_by_one_service() -> None:
    built = [each["image"] for each in SERVICES.values() if "build" in each]
    assert len(built) == len(set(built))
    assert {each["image"] for each in SERVICES.values()} == {*built, "postgres:15.20-bookworm"}


def test_only_the_proxy_is_in_a_network_with_a_way_in() -> None:
    assert [name for name, net in COMPOSE["networks"].items() if not net.get("internal")] == [
        "front"
    ]
    assert [name for name, each in SERVICES.items() if "front" in each["networks"]] == ["proxy"]
    assert set(SERVICES["database"]["networks"]) == {"monolith-data", "catalog-data"}
    assert not set(SERVICES["database"]["networks"]) & set(SERVICES["proxy"]["networks"])
    # They meet in one network only, so that a name means one address.
    assert set(SERVICES["monolith"]["networks"]) & set(SERVICES["catalog"]["networks"]) == {"shop"}


def test_one_address_is_believed_and_that_is_the_proxys() -> None:
    proxy, monolith = (
        SERVICES[name]["networks"]["shop"]["ipv4_address"] for name in ("proxy", "monolith")
    )
    for service in SERVICES.values():
        for key in ("TRUSTED_PROXIES", "FORWARDED_ALLOW_IPS"):
            assert service.get("environment", {}).get(key, proxy) == proxy
    # Bank, post and database share a network with the shop, and find it closed.
    assert SERVICES["monolith"]["environment"]["BIND"] == f"127.0.0.1:8100,{monolith}:8100"


def test_every_secret_is_made_and_used(tmp_path: Path) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "compose_files"),
            *("--folder", str(tmp_path / "stack"), "--env", str(tmp_path / "env")),
        ],
        cwd=COMPOSE_FOLDER,
        check=True,
        capture_output=True,
    )
    made = {file.name for file in (tmp_path / "stack" / "secrets").iterdir()}
    assert set(COMPOSE["secrets"]) == made
    assert {name for each in SERVICES.values() for name in each.get("secrets", ())} == made
    for name, where in COMPOSE["secrets"].items():
        assert where == {"file": f"${{STACK_DIR:-../.stack}}/secrets/{name}"}


@pytest.mark.parametrize("name", sorted(DOCKERFILES))
def test_an_image_keeps_the_rules_of_all(name: str) -> None:
    lines = [
        line
        for line in (ROOT / name).read_text().replace("\\\n", " ").splitlines()
        if line and not line.startswith("#")
    ]
    stages = [line for line in lines if line.startswith("FROM ")]
    base = re.fullmatch(r"FROM (python:3\.11\.\d+-slim-bookworm) AS build", stages[0])
    assert base is not None, "pinned to an exact version"
    assert stages[1:] == [f"FROM {base[1]}"]
    final = lines[lines.index(stages[1]) :]
    assert final[1].startswith("RUN python -m compileall"), "first, so that all images share it"
    labels = next(line for line in final if line.startswith("LABEL "))
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in labels
    assert [line for line in final if line.startswith("USER ")] == ["USER 10001:10001"]
    (health,) = [line for line in final if line.startswith("HEALTHCHECK ")]
    assert json.loads(health.partition(" CMD ")[2])[0] == "python", "nothing that is not there"
    assert final[-1].startswith('CMD ["'), "without a shell, which would keep signals"
    installs = [part for line in lines for part in line.split("&&") if " install " in f"{part} "]
    for install in installs:
        if "pip" in install:
            assert "--constraint constraints.txt" in install or "--no-deps" in install, install
