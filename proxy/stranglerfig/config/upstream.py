"""The model of an upstream: where it is, and how long to wait for it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from stranglerfig.config.mistake import mistake
from stranglerfig.config.scalar import Seconds, is_host
from stranglerfig.config.tls import UpstreamTls
from stranglerfig.config.written import NOT_BUILT, Named, OnlyNone, Written, Wrong, raise_wrong


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
    """A server that answers: the monolith or a service."""

    not_built: ClassVar[Mapping[str, str]] = NOT_BUILT

    short_keys: ClassVar[tuple[str, ...]] = ("url", "urls")

    name: str = Field(validation_alias="(name)", exclude=True)
    host: Annotated[str, BeforeValidator(raise_wrong)] = Field(validation_alias="(host)")
    port: int = Field(validation_alias="(port)")
    timeouts: Timeouts = Timeouts()
    tls: Annotated[UpstreamTls | None, BeforeValidator(raise_wrong)] = Field(
        default=None, description="by what an upstream with https is known"
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
            is_tls, data["(host)"], data["(port)"] = _read_urls(data)
        except PydanticCustomError as error:
            data["(host)"], data["(port)"] = Wrong(error), 1
            return data
        if is_tls:
            data.setdefault("tls", {})
        elif data.get("tls") is not None:
            data["tls"] = Wrong(mistake("TLS is for a url with https", "write https:// in its url"))
        return data

    @model_serializer
    def _write(self) -> dict[str, Any]:
        written = {
            "url": self.url,
            "timeouts": self.timeouts.model_dump(mode="json"),
            "shadow_writes": self.shadow_writes,
        }
        if self.tls is not None:
            written["tls"] = self.tls.model_dump(mode="json", exclude_none=True)
        return written

    @property
    def url(self) -> str:
        """``http://host:port`` or ``https://host:port``."""
        return f"{'http' if self.tls is None else 'https'}://{self.authority}"

    @property
    def authority(self) -> str:
        """``host:port``, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _read_urls(data: dict[str, Any]) -> tuple[bool, str, int]:
    """Take ``url`` or ``urls`` out of ``data`` and give whether it is https, host and port."""
    url, urls = data.pop("url", None), data.pop("urls", None)
    if urls is None:
        if url is None:
            raise mistake("has no url", "write url: http://127.0.0.1:8100")
        return _read_url(url, ("url",))
    if url is not None:
        raise mistake("has both url and urls", "write one of them", ("urls",))
    if not isinstance(urls, list) or not urls:
        raise mistake(
            "urls is not a list of URLs", "write urls: [http://127.0.0.1:8100]", ("urls",)
        )
    if len(urls) > 1:
        raise mistake(
            "several urls for one upstream are not built yet", "write one url", ("urls", 1)
        )
    return _read_url(urls[0], ("urls", 0))


def _read_url(url: Any, at: tuple[str | int, ...]) -> tuple[bool, str, int]:
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
    if parts.scheme not in ("http", "https") or not parts.hostname:
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
    is_tls = parts.scheme == "https"
    return is_tls, parts.hostname, port or (443 if is_tls else 80)
