"""The model of ``limits``: how much of the proxy clients may take, and how slowly."""

from pydantic import Field, StrictInt, field_validator

from stranglerfig.config.mistake import mistake
from stranglerfig.config.quantity import (
    ByteRateOrOff,
    CountOrOff,
    RequestRateOrOff,
    Size,
    SizeOrOff,
    written_size,
)
from stranglerfig.config.scalar import Seconds, SecondsOrOff
from stranglerfig.config.written import Written

SMALLEST_HEAD_BYTES = 1024
LARGEST_HEAD_BYTES = 1024 * 1024


class Rate(Written):
    """How many requests one client may send."""

    per_client: RequestRateOrOff = Field(
        default=0.0,
        description="requests of one client address (IPv6: its /64) in a time, over all workers; more are answered 429",
    )
    burst: StrictInt = Field(
        default=40, ge=1, le=1_000_000, description="how many of them may come at once"
    )


class Limits(Written):
    """What clients may take. Counts hold for the whole proxy: each worker gets its share."""

    connections: CountOrOff = Field(
        default=20_000,
        description="connections of clients open at once; more are answered 503 and closed",
    )
    connections_per_client: CountOrOff = Field(
        default=0,
        description="of them, how many from one address (IPv6: its /64), trusted_proxies excepted; more are answered 429 and closed",
    )
    requests: CountOrOff = Field(
        default=0, description="requests being answered at once; more are answered 503"
    )
    rate: Rate = Rate()
    idle_s: Seconds = Field(
        default=75.0,
        validation_alias="idle",
        serialization_alias="idle",
        description="how long a connection may wait for its next request",
    )
    head_time_s: Seconds = Field(
        default=30.0,
        validation_alias="head_time",
        serialization_alias="head_time",
        description="from a request's first byte to the end of its head; longer is 408",
    )
    head_size: Size = Field(
        default=64 * 1024,
        description="of the target and all headers of a request, 1KiB to 1MiB; more is 431",
    )
    head_fields: StrictInt = Field(
        default=1000, ge=1, le=100_000, description="headers of a request; more are 431"
    )
    body_size: SizeOrOff = Field(
        default=0, description="of a request's body, also in chunks; more is 413"
    )
    stall_s: Seconds = Field(
        default=60.0,
        validation_alias="stall",
        serialization_alias="stall",
        description="how long a client may send nothing of a body (408) or take nothing of an answer (cut)",
    )
    min_rate: ByteRateOrOff = Field(
        default=240,
        description="how fast it must do so, averaged over each `stall` in which it is waited for",
    )
    loop_delay_s: SecondsOrOff = Field(
        default=1.0,
        validation_alias="loop_delay",
        serialization_alias="loop_delay",
        description="how late a worker may be with everything, three looks in a row; then new requests are answered 503 until it has caught up",
    )

    @field_validator("head_size")
    @classmethod
    def _check_head_size(cls, value: int) -> int:
        if not SMALLEST_HEAD_BYTES <= value <= LARGEST_HEAD_BYTES:
            raise mistake(f"{written_size(value)} is out of range", "it goes from 1KiB to 1MiB")
        return value
