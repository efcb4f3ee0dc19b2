"""Traces that a request belongs to: W3C Trace Context, level 1, with the random flag of level 2.

The proxy tells no tracing system of a span of its own, so it changes nothing in a trace that it lets go on: with a new parent-id
the upstream's span would hang under one that nobody ever sees (section 3.4: an unchanged traceparent, and then an
unchanged tracestate too). Where a trace begins here its trace-id is the request id, if that was made here, so that whoever
has the one has the other, and no more randomness is needed.

What is malformed begins anew, and so does what came in several headers (section 4.3); a tracestate alone says nothing, and one that
breaks its grammar or its limits is dropped by itself (section 3.3.1).
"""

import os
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from stranglerfig.http1.headers import WHITESPACE, Header, values_of

TRACEPARENT: Final = b"traceparent"
TRACESTATE: Final = b"tracestate"
_MAX_STATE_MEMBERS: Final = 32  # section 3.3.1.1
_MAX_STATE_BYTES: Final = (
    8192  # at least 512 must be passed on (section 3.3.1.5); no vendor needs this many
)

# version "-" trace-id "-" parent-id "-" trace-flags; versions above 00 may have more behind a hyphen (section 3.2.4).
_PARENT: Final = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?",
    re.ASCII | re.DOTALL,
)
_MEMBER: Final = re.compile(
    rb"[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]",
    re.ASCII,
)
_REQUEST_ID: Final = re.compile(rb"(?!0{16})[0-9a-f]{32}", re.ASCII)
_ANY_RANDOMNESS: Final = b""
_NO_RANDOMNESS: Final = b"g"  # above every hexadecimal digit


class Trace(NamedTuple):
    """The trace of one request, and the headers that tell the upstream of it."""

    trace_id: bytes | None
    lines: bytes
    """Each header with its CRLF."""
    dropped: str | None = None
    """Why what the client sent does not go on: ``untrusted_trace`` or ``malformed_trace``."""

    @property
    def headers(self) -> tuple[Header, ...]:
        """The headers by themselves."""
        pairs = (line.partition(b": ") for line in self.lines.split(b"\r\n") if line)
        return tuple((name, value) for name, _, value in pairs)


class Tracing:
    """What becomes of the traces that requests come with, and how those that begin here are marked."""

    __slots__ = ("_takes_anyone", "_threshold", "is_off")

    def __init__(self, mode: str, sampled_percent: float) -> None:
        """``mode`` is that of fig.yaml: ``trusted``, ``anyone`` or ``off``."""
        self.is_off = mode == "off"
        self._takes_anyone = mode == "anyone"
        # Level 2 makes the last 56 bits of a trace-id random. Those below the threshold are not sampled, so whoever else decides
        # in this way takes the same ones.
        if sampled_percent >= 100:
            self._threshold = _ANY_RANDOMNESS
        elif sampled_percent <= 0:
            self._threshold = _NO_RANDOMNESS
        else:
            self._threshold = b"%014x" % round((1 - sampled_percent / 100) * 2**56)

    def trace_of(self, sent: Sequence[Header], request_id: bytes, *, is_trusted: bool) -> Trace:
        """Give the trace of a request that came with the headers ``sent``, which are of these two names alone."""
        if self.is_off:
            return Trace(None, b"".join([b"%b: %b\r\n" % header for header in sent]))
        dropped = None
        if sent:
            if self._takes_anyone or is_trusted:
                kept = _kept(sent)
                if kept is not None:
                    return kept
                dropped = "malformed_trace"
            else:
                dropped = "untrusted_trace"
        trace_id = request_id if _REQUEST_ID.fullmatch(request_id) else _new_id()
        # The one request that is sent on is the whole of what the trace knows of us: any id will do for it.
        flags = b"03" if not self._threshold or trace_id[18:] >= self._threshold else b"02"
        lines = b"traceparent: 00-%b-%b-%b\r\n" % (trace_id, trace_id[:16], flags)
        return Trace(trace_id, lines, dropped)


def trace_id_of(headers: Sequence[Header]) -> str | None:
    """Read the trace-id in a request's headers; None where there is none, or no valid one."""
    match = _parent(headers)
    return None if match is None else match[2].decode("ascii")


def child_headers(headers: Sequence[Header]) -> tuple[Header, ...]:
    """Give the headers of a shadow: of the same trace, with a parent-id that is the shadow's alone.

    So a tracing system shows what the shadow caused apart from what the user's own request did. The id follows from the
    original's, and the level is 00, the highest that we know (section 3.2.4).
    """
    match = _parent(headers)
    if match is None:
        return tuple(headers)
    _, trace_id, parent_id, flags, _ = match.groups()
    child = sha256(b"shadow " + trace_id + parent_id).hexdigest()[:16].encode()
    line = b"00-%b-%b-%02x" % (trace_id, child, int(flags, 16) & 3)
    return tuple((name, line if name.lower() == TRACEPARENT else value) for name, value in headers)


def _parent(headers: Sequence[Header]) -> re.Match[bytes] | None:
    found = values_of(headers, TRACEPARENT)
    if len(found) != 1:
        return None
    match = _PARENT.fullmatch(found[0].strip(WHITESPACE))
    if match is None or (match[1] == b"00" and match[5] is not None):
        return None
    return match


def _kept(sent: Sequence[Header]) -> Trace | None:
    """The trace as it came; None where it is none."""
    match = _parent(sent)
    if match is None:
        return None
    has_state = _is_state(values_of(sent, TRACESTATE))
    lines = [
        b"%b: %b\r\n" % header for header in sent if has_state or header[0].lower() == TRACEPARENT
    ]
    return Trace(match[2], b"".join(lines))


def _is_state(values: Sequence[bytes]) -> bool:
    """Whether several tracestate headers are one list within its grammar and limits (section 3.3.1)."""
    if sum(map(len, values)) > _MAX_STATE_BYTES:
        return False
    members = [
        member
        for value in values
        for part in value.split(b",")
        if (member := part.strip(WHITESPACE))
    ]
    keys = {member.partition(b"=")[0] for member in members}
    return (
        len(members) <= _MAX_STATE_MEMBERS
        and len(keys) == len(members)
        and all(map(_MEMBER.fullmatch, members))
    )


def _new_id() -> bytes:
    """A trace-id: not all zeros, nor its first half, which becomes the parent-id."""
    made = os.urandom(16).hex().encode()
    return made if _REQUEST_ID.fullmatch(made) else _new_id()
