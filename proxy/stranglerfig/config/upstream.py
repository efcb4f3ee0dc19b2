"""The model of an upstream: where it is, how long to wait for it, and how much it is given."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, StrictInt, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from stranglerfig.config.balancing import (
    Balance,
    BreakerLimits,
    Endpoint,
    HealthProbe,
    QueueLimits,
)
from stranglerfig.config.mistake import mistake
from stranglerfig.config.scalar import Seconds, is_host
from stranglerfig.config.written import NOT_BUILT, Named, OnlyNone, Written, Wrong, raise_wrong

MAX_URLS: Final = 256


class Timeouts(Written):
    """How long to wait for an upstream."""

    connect_s: Seconds = Field(
        default=1.0,
        validation_alias="connect",
        serialization_alias="connect",
        description="until a connection is open",
    )
    response_s: Seconds = Field(
        default=10.0,
        validation_alias="response",
        serialization_alias="response",
        description="from the request sent to the head of the answer",
    )
    idle_s: Seconds = Field(
        default=60.0,
        validation_alias="idle",
        serialization_alias="idle",
        description="without a byte in either direction while a body is under way; also how long an idle connection is kept",
    )


class Upstream(Written):
    """A server that answers, or several that are alike: the monolith or a service."""

    not_built: ClassVar[Mapping[str, str]] = NOT_BUILT

    short_keys: ClassVar[tuple[str, ...]] = ("url", "urls")

    name: str = Field(validation_alias="(name)", exclude=True)
    host: Annotated[str, BeforeValidator(raise_wrong)] = Field(validation_alias="(host)")
    port: int = Field(validation_alias="(port)")
    others: tuple[Endpoint, ...] = Field(default=(), validation_alias="(others)")
    timeouts: Timeouts = Timeouts()
    balance: Balance = Field(
        default="least_requests",
        description="which of several addresses gets a request: the less busy of two, or each in turn",
    )
    breaker: BreakerLimits = Field(
        default=BreakerLimits(), description="when an address that fails is left alone"
    )
    health: HealthProbe | None = Field(
        default=None,
        description="how each address is asked whether it is well; by default none is asked",
    )
    concurrency: StrictInt | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="requests it gets at once, from the whole proxy; by default any number",
    )
    queue: QueueLimits = Field(
        default=QueueLimits(), description="who waits when there are as many as concurrency"
    )
    shadow_writes: OnlyNone = Field(default="none", description="how unsafe requests are shadowed")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        written = value.value if isinstance(value, Named) else value
        if isinstance(written, str):
            written = {"url": written}
        if not isinstance(written, dict):
            if isinstance(written, cls):
                return written
            raise mistake(f"{written!r} is not an upstream", "write its URL: http://127.0.0.1:8100")
        data = dict(written)
        if isinstance(value, Named):
            data["(name)"] = value.name
        elif "(host)" in data or "host" in data:
            return data
        try:
            (data["(host)"], data["(port)"]), *others = _read_urls(data)
            data["(others)"] = tuple(others)
        except PydanticCustomError as error:
            data["(host)"], data["(port)"] = Wrong(error), 1
        return data

    @model_serializer
    def _write(self) -> dict[str, Any]:
        urls = list(self.urls)
        written: dict[str, Any] = {"urls": urls} if len(urls) > 1 else {"url": urls[0]}
        written |= {
            "timeouts": self.timeouts.model_dump(mode="json"),
            "balance": self.balance,
            "breaker": self.breaker.model_dump(mode="json"),
            "queue": self.queue.model_dump(mode="json"),
            "shadow_writes": self.shadow_writes,
        }
        if self.health is not None:
            written["health"] = self.health.model_dump(mode="json", exclude_none=True)
        if self.concurrency is not None:
            written["concurrency"] = self.concurrency
        return written

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where it is: at least one, in the order in which they are written."""
        return (Endpoint(self.host, self.port), *self.others)

    @property
    def urls(self) -> tuple[str, ...]:
        """Its URLs, one for each endpoint."""
        return tuple(f"http://{each.authority}" for each in self.endpoints)

    @property
    def authority(self) -> str:
        """``host:port`` of the first endpoint, an IPv6 host in brackets: what it is called where one name must do."""
        return Endpoint(self.host, self.port).authority


def _read_urls(data: dict[str, Any]) -> list[tuple[str, int]]:
    """Take ``url`` or ``urls`` out of ``data`` and give host and port of each."""
    url, urls = data.pop("url", None), data.pop("urls", None)
    if urls is None:
        if url is None:
            raise mistake("has no url", "write url: http://127.0.0.1:8100")
        return [_read_url(url, ("url",))]
    if url is not None:
        raise mistake("has both url and urls", "write one of them", ("urls",))
    if not isinstance(urls, list | tuple) or not urls:
        raise mistake(
            "urls is not a list of URLs", "write urls: [http://127.0.0.1:8100]", ("urls",)
        )
    if len(urls) > MAX_URLS:
        raise mistake(
            f"there are {len(urls)} urls", f"write at most {MAX_URLS}, or one host name", ("urls",)
        )
    schemes = [str(each).partition("://")[0].lower() for each in urls]
    for number, scheme in enumerate(schemes):
        if scheme != schemes[0] and scheme in ("http", "https"):
            raise mistake(
                f"{urls[number]!r} has another scheme than {urls[0]!r}",
                "one upstream is reached in one way: make two of it, or write one scheme",
                ("urls", number),
            )
    read: list[tuple[str, int]] = []
    seen: dict[tuple[str, int], int] = {}
    for number, each in enumerate(urls):
        host, port = _read_url(each, ("urls", number))
        first = seen.setdefault((_same_host(host), port), number)
        if first != number:
            raise mistake(
                f"{each!r} is there twice",
                f"remove it: it says what urls[{first}] says",
                ("urls", number),
            )
        read.append((host, port))
    return read


def _same_host(host: str) -> str:
    """One spelling for all of one address, and for a name with and without its last dot."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower().removesuffix(".")


def _read_url(url: Any, at: tuple[str | int, ...]) -> tuple[str, int]:
    example = "write it as http://127.0.0.1:8100"
    if not isinstance(url, str):
        raise mistake(f"{url!r} is not a URL", example, at)
    if "@" in url.partition("://")[2].partition("/")[0]:
        # Before all else, so that no message shows the password.
        raise mistake("the URL holds a user or a password", "remove what stands before the @", at)
    if re.search(r"[^\x21-\x7e]", url):
        raise mistake(f"{url!r} holds a space or a character that is not ASCII", example, at)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise mistake(f"{url!r} is not a URL: {error}", example, at) from None
    if parts.scheme == "https":
        raise mistake(f"{url!r}: TLS to an upstream is not built yet", "use http://", at)
    if parts.scheme != "http" or not parts.hostname:
        raise mistake(f"{url!r} is not a URL of the form http://host:port", example, at)
    if not is_host(parts.hostname):
        raise mistake(
            f"{url!r}: {parts.hostname!r} is neither an IP address nor a host name", example, at
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in url or "#" in url:
        raise mistake(
            f"{url!r} holds more than a host and a port",
            "remove the path: requests are passed on with the path they came with",
            at,
        )
    if port == 0:
        raise mistake(f"{url!r} has port 0, which nothing answers on", example, at)
    return parts.hostname, port or 80
