"""Monolith, service and proxy together."""

import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stack.card_gateway import CardGateway
from stack.data import MONOLITH, SERVICE, SeededData
from stack.gunicorn import Gunicorn
from stack.process import Process, manage
from stack.proxy import Proxy

# Both apps answer for these; the last is what a shopper's browser might say.
ALLOWED_HOSTS = "127.0.0.1,localhost,shop.example"

NOBODY = "http://127.0.0.1:1"

CATALOG: Mapping[str, Any] = {
    "catalog": {
        "upstream": "catalog",
        "stage": "monolith",
        "percent": 50,
        "ask_again": 0,  # who counts what each side was asked is not to count chance
        "routes": ["GET /api/catalog/**"],
    }
}


class Stack:
    """See the package's docstring. Attributes: `monolith`, `service` (Gunicorn), `proxy` (Proxy; None without)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.secret = secrets.token_urlsafe(32)
        self.credential = secrets.token_urlsafe(32)
        self._proxy_credential = secrets.token_urlsafe(32)
        self._is_live = False
        self._processes: list[Process] = []
        self.gateway: CardGateway | None = None
        self.data: SeededData
        self.monolith: Gunicorn
        self.service: Gunicorn
        self.consumer: Process | None = None
        self.proxy: Proxy | None = None

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        data: SeededData | None = None,
        capabilities: Mapping[str, Any] = CATALOG,
        config: Mapping[str, Any] | None = None,
        with_proxy: bool = True,
        live: bool = False,
        with_gateway: bool = False,
    ) -> "Stack":
        """Start everything in `folder` and fill the service by `backfill`.

        `capabilities` is that part of fig.yaml, `config` more keys of its top level. Without `data` a shop is seeded
        for this stack alone. `live`: a consumer brings what changes, and the proxy may ask how far behind it is.
        `with_gateway`: the shop has a card gateway to be paid at.
        """
        stack = cls(folder)
        stack._is_live = live
        try:
            if with_gateway:
                stack.gateway = CardGateway(folder=folder, logs=stack.logs)
                stack._processes.append(stack.gateway)
            stack._start_upstreams(data)
            if with_proxy:
                stack.start_proxy(capabilities, config)
        except BaseException:
            stack.stop()
            raise
        return stack

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def monolith_url(self) -> str:
        return self.monolith.url

    @property
    def service_url(self) -> str:
        return self.service.url

    @property
    def proxy_url(self) -> str:
        return self._the_proxy().url

    @property
    def admin_url(self) -> str:
        return self._the_proxy().admin_url

    def fig(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command of fig beside the running proxy."""
        return self._the_proxy().fig(*arguments, check=check)

    def backfill(self, *arguments: str) -> str:
        """Bring what changed in the shop to the service; gives the summary."""
        return self.manage_service("backfill", *arguments)

    def manage_monolith(self, *arguments: str) -> str:
        """Run a command of the shop beside it; gives what it printed."""
        return manage(MONOLITH, self._monolith_environment, *arguments)

    def manage_service(self, *arguments: str) -> str:
        """Run a command of the service beside it; gives what it printed."""
        return manage(SERVICE, self._consumer_environment, *arguments)

    def start_consumer(self, *arguments: str) -> Process:
        """A process that brings what changes in the shop to the service, beside those that run already."""
        consumer = Process(
            "consumer",
            [sys.executable, "manage.py", "consume", *arguments],
            folder=SERVICE,
            log=self.logs / "consumer.log",
            environment=self._consumer_environment,
        )
        self._processes.append(consumer)
        return consumer

    def stop(self) -> None:
        """End every process, the proxy first."""
        for process in reversed(self._processes):
            process.stop()

    def _start_upstreams(self, data: SeededData | None) -> None:
        own = self.folder / "data"
        self.data = SeededData.make(own) if data is None else data.copy(own)
        common = {
            "ALLOWED_HOSTS": ALLOWED_HOSTS,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "LOG_LEVEL": "WARNING",
        }
        self._service_environment = common | {"DATABASE_URL": self.data.service.url}
        self._monolith_environment = common | {
            "DATABASE_URL": self.data.monolith.url,
            "MEDIA_ROOT": str(self.data.media),
            "CATALOG_CREDENTIAL": self.credential,
            "PROXY_CREDENTIAL": self._proxy_credential,
            # Never the one of a demo that happens to run here.
            "CARD_GATEWAY_URL": NOBODY if self.gateway is None else self.gateway.url,
            # What it limits is tested in the shop; here everybody comes from one address.
            "THROTTLES": "off",
            "EMAIL_URL": f"file:{self.folder / 'mail'}",
        }
        self.monolith = Gunicorn(
            "monolith",
            "shopsmart.wsgi",
            folder=MONOLITH,
            logs=self.logs,
            environment=self._monolith_environment,
        )
        self._processes.append(self.monolith)
        self.backfill()
        self.service = Gunicorn(
            "catalog",
            "shopsmart_catalog.wsgi",
            folder=SERVICE,
            logs=self.logs,
            environment=self._service_environment,
        )
        self._processes.append(self.service)
        if self._is_live:
            self.consumer = self.start_consumer()

    @property
    def _consumer_environment(self) -> dict[str, str]:
        source = {"CHASSIS_SOURCE_URL": self.monolith_url, "CHASSIS_CREDENTIAL": self.credential}
        return self._service_environment | source

    def start_proxy(
        self,
        capabilities: Mapping[str, Any] = CATALOG,
        config: Mapping[str, Any] | None = None,
        *,
        wrapper: Sequence[str] = (),
    ) -> None:
        """For a stack that was started without one, when `config` needs to know where its parts are."""
        upstreams = {"monolith": self.monolith_url, "catalog": self.service_url}
        written = {"upstreams": upstreams, "fallthrough": "monolith", "workers": 2}
        self.proxy = Proxy(
            folder=self.folder / "fig",
            logs=self.logs,
            config={**written, **(config or {}), "capabilities": dict(capabilities)},
            secret=self.secret,
            credential=self._proxy_credential if self._is_live else None,
            wrapper=wrapper,
        )
        self._processes.append(self.proxy)

    def _the_proxy(self) -> Proxy:
        if self.proxy is None:
            raise AssertionError("this stack was started without a proxy")
        return self.proxy
