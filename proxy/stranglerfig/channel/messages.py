"""What the supervisor and its children say to each other: one JSON object a line.

Both ends are of one installation, yet not always of one start: a child that outlives its supervisor talks to the next
one, which may be newer. Unknown fields are therefore ignored, and an unknown message is an error of that line alone.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

SOCKET_NAME = "control.sock"  # relative to state_dir, the working directory of every process
MAX_LINE_BYTES = 64 * 1024 * 1024  # a snapshot carries the whole config; far above any real one

Role = Literal["worker", "comparer"]


class MessageError(ValueError):
    """The line is no message of this channel."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    def line(self) -> bytes:
        """This message as it travels."""
        return self.model_dump_json().encode() + b"\n"


class Hello(_Message):
    """A child introduces itself; ``generation`` 0 means that it has no snapshot yet."""

    type: Literal["hello"] = "hello"
    role: Role
    slot: int
    pid: int
    generation: int


class SnapshotMessage(_Message):
    """Everything a child needs to know; replaces what it knew."""

    type: Literal["snapshot"] = "snapshot"
    generation: int
    config: dict[str, Any]
    overrides: dict[str, Any]
    rules: dict[str, Any]
    secret: str | None = Field(repr=False)  # a message that is logged must not tell it
    cookie_key: str = Field(min_length=1, repr=False)
    """Signs the cookie fig_wrote: ``secret`` if it is long enough, else random for as long as the supervisor lives."""


class Ack(_Message):
    """Every request that begins from now on uses ``generation``."""

    type: Literal["ack"] = "ack"
    generation: int


class MeasuredLag(BaseModel):
    """How far a service was behind its monolith, and how long ago that was found; both in seconds."""

    lag_s: float = Field(ge=0, allow_inf_nan=False)
    age_s: float = Field(ge=0, allow_inf_nan=False)


class LagsMessage(_Message):
    """How far the services are behind, by capability; replaces what was said before. No new generation."""

    type: Literal["lags"] = "lags"
    lags: dict[str, MeasuredLag]


class ShownCertificate(BaseModel):
    """A certificate for clients: chain and key in PEM, and the names that it is for."""

    certificate: str
    key: str = Field(repr=False)
    names: tuple[str, ...]


class PemMessage(BaseModel):
    """What files hold that belong together, such as the CA of an upstream."""

    paths: tuple[str, ...]
    texts: tuple[str, ...] = Field(repr=False)


class TlsMessage(_Message):
    """What TLS needs, before the first snapshot and whenever it changes; replaces what was said before. No new generation.

    ``shown`` is for workers, the first for clients whose name none fits; with none they speak plainly. ``pems`` is what is
    known of upstreams.
    """

    type: Literal["tls"] = "tls"
    shown: list[ShownCertificate]
    pems: list[PemMessage]

    @property
    def known(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """What the files hold, by their paths."""
        return {each.paths: each.texts for each in self.pems}


class Drain(_Message):
    """Stop accepting, finish within ``deadline`` seconds, and exit 0."""

    type: Literal["drain"] = "drain"
    deadline: float


class State(_Message):
    """How a child is, once a second: whatever its role reports, as plain JSON."""

    type: Literal["state"] = "state"
    state: dict[str, Any]


Message = Hello | SnapshotMessage | LagsMessage | TlsMessage | Ack | Drain | State
_ANY: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


def parse(line: bytes) -> Message:
    """Read one line. Raises ``MessageError``."""
    try:
        return _ANY.validate_json(line)
    except ValidationError as error:
        raise MessageError(f"{line[:80]!r}: {error.error_count()} mistakes") from error
