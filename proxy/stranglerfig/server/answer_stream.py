"""An upstream's answer on its way to the client: what is added to its head, and how its body is framed."""

import time
from collections.abc import Sequence
from typing import Final

from stranglerfig.http1.forwarded import Origin
from stranglerfig.http1.headers import Header
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import END
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.http1.upgrade import UPGRADE_REQUIRED, Upgrade, offer_lines
from stranglerfig.http1.writing import BodyFraming, chunk, last_chunk, response_bytes
from stranglerfig.routing.plan import Plan
from stranglerfig.server.meters import Meters
from stranglerfig.server.own_writes import OwnWrites
from stranglerfig.server.recording import Recording
from stranglerfig.signing.wrote import Pin

_USER_COOKIE_AGE_S: Final = 365 * 24 * 3600


class AnswerStream:
    """Turns the events of one answer into the bytes that the client gets."""

    __slots__ = (
        "_added",
        "_head",
        "_meters",
        "_origin",
        "_own_writes",
        "_plan",
        "_recording",
        "framing",
        "head_at",
        "keep_alive",
        "status",
    )

    def __init__(
        self,
        head: RequestHead,
        plan: Plan,
        origin: Origin,
        added: tuple[Header, ...],
        meters: Meters,
        recording: Recording | None,
        own_writes: OwnWrites | None,
    ) -> None:
        """``added`` headers go on the answer as they are; ``own_writes`` is there if the plan has a pin."""
        self._head = head
        self._plan = plan
        self._origin = origin
        self._added = added
        self._meters = meters
        self._recording = recording
        self._own_writes = own_writes
        self.status = 0
        """The status that the client was sent; 0 as long as it was sent none."""
        self.head_at = 0.0
        """When the answer's head came, by ``time.perf_counter``; 0 as long as it did not."""
        self.framing = BodyFraming.NONE
        self.keep_alive = head.keep_alive
        """Whether the client was told that the connection goes on."""

    def take(self, events: Sequence[ResponseEvent], *, may_keep_alive: bool) -> bytes:
        """Give the bytes for ``events``. ``may_keep_alive`` counts when the head is among them."""
        out: list[bytes] = []
        for event in events:
            if isinstance(event, bytes):
                if self._recording is not None:
                    self._recording.response_body(event)
                out.append(chunk(event) if self.framing is BodyFraming.CHUNKED else event)
            elif event is END:
                if self.framing is BodyFraming.CHUNKED:
                    out.append(last_chunk())
            elif not event.is_interim:
                out.append(self._take_head(event, may_keep_alive=may_keep_alive))
            elif not self._head.is_http_1_0:
                out.append(response_bytes(event, b""))
        return out[0] if len(out) == 1 else b"".join(out)

    def _take_head(self, response: ResponseHead, *, may_keep_alive: bool) -> bytes:
        head = self._head
        self.status = response.status
        self.head_at = time.perf_counter()
        if self._recording is not None:
            self._recording.response_head(response)
        if response.is_bodiless(is_head=head.method == "HEAD"):
            self.framing = BodyFraming.NONE
        elif response.content_length is not None:
            self.framing = BodyFraming.LENGTH
        elif head.is_http_1_0:
            self.framing = BodyFraming.CLOSE
        else:
            # Also what the upstream ends by closing: so the client can tell a cut answer from a whole one.
            self.framing = BodyFraming.CHUNKED
        if not may_keep_alive or self.framing is BodyFraming.CLOSE:
            self.keep_alive = False
        added = self._added_to(response)
        if response.status == UPGRADE_REQUIRED:
            added += offer_lines(response)
        if self.framing is BodyFraming.CHUNKED:
            added += b"Transfer-Encoding: chunked\r\n"
        if not self.keep_alive:
            added += b"Connection: close\r\n"
        elif head.is_http_1_0:
            added += b"Connection: keep-alive\r\n"
        return response_bytes(response, added)

    def switch(self, response: ResponseHead, upgrade: Upgrade) -> bytes:
        """Give the bytes of a 101 that grants ``upgrade``."""
        self.status = response.status
        return response_bytes(response, self._added_to(response) + upgrade.lines)

    def _added_to(self, response: ResponseHead) -> bytes:
        added = b"".join([b"%b: %b\r\n" % header for header in self._added]) if self._added else b""
        if self._plan.set_cookie is not None:
            added += self._user_cookie(self._plan.set_cookie, response)
        if self._plan.pin is not None and self._own_writes is not None:
            added += self._wrote_cookie(self._plan.pin, self._own_writes, response)
        return added

    def _user_cookie(self, user: str, response: ResponseHead) -> bytes:
        """Set fig_user, but not on what a shared cache may keep: everybody would be that user."""
        if response.is_shared:
            self._meters.cookie_withheld()
            return b""
        self._meters.minted()
        return b"Set-Cookie: fig_user=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%b\r\n" % (
            user.encode("ascii"),
            _USER_COOKIE_AGE_S,
            b"; Secure" if self._origin.https else b"",
        )

    def _wrote_cookie(self, pin: Pin, own_writes: OwnWrites, response: ResponseHead) -> bytes:
        """Set fig_wrote, but not on what a shared cache may keep: everybody would have written."""
        if response.is_shared:
            self._meters.write_cookie_withheld()
            return b""
        return b"%b: %b\r\n" % own_writes.header(pin, https=self._origin.https)
