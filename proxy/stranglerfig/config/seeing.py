"""The models of what tells about requests: the access log, and the traces that requests belong to."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from stranglerfig.config.capability import HEADER_NAME
from stranglerfig.config.mistake import mistake
from stranglerfig.config.scalar import Percent, refuse_control_characters
from stranglerfig.config.written import Written

# Whoever reads the log could be the user.
_CREDENTIALS: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "set-cookie", "fig-force", "fig-debug"}
)
MAX_HEADERS: Final = 6  # so that every line fits the bytes that a pipe takes whole
FORMATS: Final = ("none", "text", "json")
MODES: Final = ("trusted", "anyone", "off")


def _check_file(value: str) -> str:
    refuse_control_characters(value)
    if value.endswith("/") or value in (".", ".."):
        raise mistake(
            f"{value!r} is a directory", f"name a file in it: {value.rstrip('/')}/access.log"
        )
    return value


def _read_headers(value: Any) -> Any:
    if value is None:
        return ()
    if isinstance(value, tuple):
        return value
    if not isinstance(value, list):
        raise mistake(f"{value!r} is no list", "write [user-agent], or []")
    if len(value) > MAX_HEADERS:
        raise mistake(f"{len(value)} headers are too many", f"name {MAX_HEADERS} or fewer")
    names = [_read_header(name, number) for number, name in enumerate(value)]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise mistake(f"{name} is named twice", "remove one of them", (number,))
    return tuple(names)


def _read_header(name: Any, number: int) -> str:
    if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
        raise mistake(f"{name!r} is no name of a header", "write one such as user-agent", (number,))
    # An underscore counts as a hyphen, as in WSGI.
    if name.lower().replace("_", "-") in _CREDENTIALS:
        raise mistake(
            f"{name} holds a credential, and who reads the log could use it", "remove it", (number,)
        )
    return name.lower()


class AccessLog(Written):
    """One line for each answered request."""

    format: Literal["none", "text", "json"] = Field(
        default="none", description="how lines are written: none, text or json"
    )
    file: Annotated[str, AfterValidator(_check_file)] = Field(
        default="access.log",
        min_length=1,
        max_length=4096,
        description="where: a file (a relative path starts in state_dir), stdout or stderr",
    )
    target: Literal["none", "path", "whole"] = Field(
        default="path",
        description="how much of the target is kept: none, path, or whole, with the query and the secrets in it",
    )
    client: Literal["none", "network", "address"] = Field(
        default="address",
        description="how much of the client's address is kept: none, network (/24 or /48), or address",
    )
    headers: Annotated[
        tuple[str, ...],
        BeforeValidator(_read_headers),
    ] = Field(
        default=(),
        max_length=MAX_HEADERS,
        description="request headers that are kept too, such as user-agent and referer",
    )

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in FORMATS:
                raise mistake(f"{value!r} is no format", "write none, text or json")
            return {"format": value}
        if not isinstance(value, dict | cls):
            raise mistake(f"{value!r} is no access log", "write none, text or json, or a mapping")
        return value


class TraceContext(Written):
    """Whose traces go on, and how those that begin here are marked (W3C Trace Context)."""

    mode: Literal["trusted", "anyone", "off"] = Field(
        default="trusted",
        description="whose traceparent is kept: that of trusted_proxies, or anyone's; for all others a trace begins here. "
        "off: the headers pass unread, and none begins",
    )
    sampled: Percent = Field(
        default=100.0, description="percent of the traces begun here that are marked as sampled"
    )

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in MODES:
                raise mistake(f"{value!r} is no mode", "write trusted, anyone or off")
            return {"mode": value}
        if not isinstance(value, dict | cls):
            raise mistake(
                f"{value!r} says nothing of traces", "write trusted, anyone or off, or a mapping"
            )
        return value
