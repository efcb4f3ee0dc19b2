"""One answered request, as a worker tees it to the comparer: plain frozen values, no I/O.

Bytes stay bytes: nothing is decoded on the way, so that the comparer sees what the client and the upstreams saw.
"""

from dataclasses import dataclass
from enum import StrEnum

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]


class SkipReason(StrEnum):
    """Why a worker did not hand an exchange that was to be compared to the comparer (a closed list)."""

    SAMPLED_OUT = "sampled_out"  # the plan's: the user's session is not in the sample
    FORCED = "forced"  # the plan's: a signed Fig-Force chose the side
    WROTE = "wrote"  # the plan's: the user wrote a moment ago, and the other side may lack it still
    QUEUE_FULL = "queue_full"  # the buffer to the comparer is full: it is slow or hangs
    COMPARER_AWAY = "comparer_away"  # no connection to the comparer now
    REQUEST_BODY_TOO_LARGE = "request_body_too_large"
    RESPONSE_BODY_TOO_LARGE = "response_body_too_large"
    UPSTREAM_FAILED = "upstream_failed"  # the plan's side gave no whole answer of its own
    FELL_BACK = "fell_back"  # the service failed, and the monolith was asked in its place
    CLIENT_LEFT = "client_left"  # before the answer was whole
    NOT_COMPARABLE = "not_comparable"  # an upgrade, a partial answer, a stream without end
    WORKER_DIED = "worker_died"  # between plan and answer; counted when the slot starts again
    TEE_ERROR = "tee_error"  # our own mistake; logged


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """The request as it was sent to the upstream that answered.

    ``Host`` kept, forwarded headers and ``X-Request-Id`` set, our own cookies and ``Fig-*`` stripped,
    hop-by-hop headers dropped; ``body`` without its transfer coding.
    """

    method: str
    target: bytes
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """The upstream's answer: header bytes as received, ``body`` without transfer coding, content coding kept."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Observation:
    """One exchange whose other side is still to be asked.

    ``sequence`` counts from 1 per worker slot and capability, across restarts of the worker: a gap is a loss.
    ``side`` is who answered (``monolith`` or ``service``), ``answered_by`` that upstream's name, ``other`` the name
    of the upstream to ask. ``route`` is the route as written in fig.yaml. ``started_at`` is epoch seconds.
    """

    slot: int
    sequence: int
    request_id: str
    generation: int
    capability: str
    route: str
    stage: str
    side: str
    answered_by: str
    other: str
    request: RecordedRequest
    response: RecordedResponse
    started_at: float
    elapsed_s: float
