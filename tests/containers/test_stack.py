"""The system in containers: up, a shopper's way through it, moved, hurt, healed, scaled, down."""

import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests
from containers.conftest import Figures
from containers.project import Project, docker
from crowd.buyer import Buyer

LASTING = ("database", "gateway", "mail", "monolith", "jobs", "catalog", "consumer", "proxy")
ONCE = ("monolith-migrate", "monolith-seed", "catalog-migrate", "catalog-backfill")
OURS = ("gateway", "mail", "monolith", "catalog", "proxy")
PRODUCTS = "/api/catalog/products/"


def test_everything_is_well_and_what_runs_once_has_ended_well(
    project: Project, figures: Figures
) -> None:
    for service in LASTING:
        project.wait_until(lambda name=service: project.is_healthy(name), f"{service} is well")
    for service in ONCE:
        (once,) = project.containers(service)
        assert (once["State"]["Status"], once["State"]["ExitCode"]) == ("exited", 0), service
    base = _size("python:3.11.15-slim-bookworm")
    figures.note("base image, MB", base)
    for service in OURS:
        (container,) = project.containers(service)
        image = container["Config"]["Image"]
        figures.note(f"image {image}, MB", _size(image))


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
        assert "permission denied" in psql(*role, role[0], "COPY (SELECT 1) TO PROGRAM 'id'")


def test_a_shopper_buys_with_a_card_and_gets_a_mail(project: Project) -> None:
    home = project.get("/")
    assert home.status_code == 200
    picture = project.get(project.get(PRODUCTS).json()["results"][0]["image"] or "/")
    assert picture.status_code == 200
    with Buyer(project.url, "shopper001") as buyer:
        buyer.put_in_cart(project.url, _in_stock(project))
        bought = buyer.buy(project.url)
    assert bought.status == 201, bought.order
    number = bought.order["number"]
    project.wait_until(
        lambda: any(number in mail["subject"] for mail in project.mails("shopper001@shopsmart.example")),
        f"a mail about {number}",
    )
    ledger = "import json, urllib.request; print(json.load(urllib.request.urlopen('http://127.0.0.1:8190/ledger?reference={}'))['entries'])"
    assert str(bought.total) in project.exec(
        "gateway", "python", "-c", ledger.format(number)
    )
