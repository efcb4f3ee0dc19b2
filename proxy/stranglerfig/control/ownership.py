"""How far each service is behind its monolith: asked of the monolith about once a second, off the request path.

Whatever the monolith does, nothing else notices: each capability is asked by a task of its own, with a deadline and a
bound on the answer. Without a credential nobody is asked, so that a foreign monolith sees no strange requests.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from stranglerfig import __version__
from stranglerfig.channel.messages import LagsMessage, MeasuredLag
from stranglerfig.config.model import Config, Upstream
from stranglerfig.control.told import (
    STOPPED_AFTER_S,
    NonsenseError,
    Ownership,
    doubt,
    read_ownership,
)
from stranglerfig.http1.failure import UpstreamError
from stranglerfig.http1.headers import Header
from stranglerfig.upstream.fetch import fetch

log = structlog.get_logger(__name__)

ASK_EVERY_S: Final = 1.0
DEADLINE_S: Final = 2.0
MAX_ANSWER_BYTES: Final = 64 * 1024
_LONGEST_AFTER_FAILURE_S: Final = 10.0
_LONGEST_AFTER_REFUSAL_S: Final = 60.0
_REFUSALS: Final = {
    401: "refuses the credential (401); see CHASSIS['CALLERS'] there and CHASSIS_CREDENTIAL here",
    403: "refuses the credential (403); its caller there needs the right status",
    404: "does not know it (404); declare its tables in CHASSIS['OWNERSHIP'] there",
}


@dataclass(slots=True)
class _Known:
    """What one capability's monolith said last."""

    upstream: Upstream
    ownership: Ownership | None = None
    asked_at: float = 0.0
    """When what it said was asked for, on the monotonic clock: it was true a little later."""
    trouble: str | None = None
    failures: int = 0


class OwnershipWatch:
    """Asks, remembers, and tells the workers."""

    def __init__(
        self,
        config: Callable[[], Config],
        credential: str | None,
        tell: Callable[[LagsMessage], None],
    ) -> None:
        self._config = config
        self._credential = credential
        self._tell = tell
        self._known: dict[str, _Known] = {}
        self._askers: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._has_told = False

    async def run(self) -> None:
        """Ask until cancelled. Nothing that a monolith does ends it."""
        if self._credential is None:
            return
        try:
            while True:
                for name in self._config().capabilities:
                    if name not in self._askers:
                        self._askers[name] = asyncio.create_task(self._ask_always(name))
                self._tell_workers()
                await asyncio.sleep(ASK_EVERY_S)
        finally:
            askers = list(self._askers.values())
            for asker in askers:
                asker.cancel()
            await asyncio.gather(*askers, return_exceptions=True)

    def ask_anew(self) -> None:
        """Ask everybody at once: the config has changed, and who refused before may know more now."""
        self._woken.set()
        self._woken = asyncio.Event()

    def _tell_workers(self) -> None:
        message = self.message()
        if message.lags or self._has_told:
            self._tell(message)
        self._has_told = bool(message.lags)

    def message(self) -> LagsMessage:
        """What workers are told: how far which service was behind when that was last known, however long ago."""
        now = time.monotonic()
        lags = {
            name: MeasuredLag(lag_s=at_most_s, age_s=max(now - known.asked_at, 0.0))
            for name, known in self._known.items()
            if known.ownership is not None and (at_most_s := known.ownership.at_most_s) is not None
        }
        return LagsMessage(lags=lags)

    def status(self, capability: str) -> dict[str, Any]:
        """What is known of one capability, as JSON can hold it."""
        known = self._known.get(capability)
        ownership = known.ownership if known else None
        reader = ownership.furthest_behind if ownership else None
        return {
            "asked": self._credential is not None,
            "lag_s": reader.lag_s if reader else None,
            "reader": reader and reader.caller,
            "asked_s_ago": reader.asked_s_ago if reader else None,
            "lost": ownership is not None and ownership.is_lost,
            "stopped": reader is not None and reader.asked_s_ago > STOPPED_AFTER_S,
            "age_s": (round(time.monotonic() - known.asked_at, 3) if known and ownership else None),
            "owner": ownership and ownership.owner,
            "captured": ownership and ownership.captured,
            "readers": [each.model_dump() for each in ownership.readers] if ownership else [],
            "trouble": known.trouble if known else None,
        }

    async def _ask_always(self, name: str) -> None:
        """Ask about one capability for as long as the config has it."""
        try:
            while (upstream := self._monolith_of(name)) is not None:
                known = self._known.get(name)
                if known is None or known.upstream != upstream:
                    known = self._known[name] = _Known(upstream)
                woken = self._woken
                began = time.monotonic()
                wait_s = await self._ask(name, known)
                try:
                    async with asyncio.timeout(max(wait_s - (time.monotonic() - began), 0.1)):
                        await woken.wait()
                    known.failures = 0
                except TimeoutError:
                    continue
        finally:
            self._known.pop(name, None)
            self._askers.pop(name, None)

    def _monolith_of(self, name: str) -> Upstream | None:
        config = self._config()
        capability = config.capabilities.get(name)
        control = config.control_of(capability) if capability else None
        return config.upstreams.get(control) if control is not None else None

    async def _ask(self, name: str, known: _Known) -> float:
        """Ask once and take in what came of it; gives the seconds until the next time."""
        asked_at = time.monotonic()
        longest_s, trouble = _LONGEST_AFTER_FAILURE_S, None
        try:
            answer = await fetch(
                known.upstream,
                "GET",
                f"/_chassis/ownership/{name}".encode(),
                self._headers(known.upstream),
                b"",
                deadline_s=DEADLINE_S,
                max_body_bytes=MAX_ANSWER_BYTES,
            )
            if answer.status in _REFUSALS:
                longest_s, trouble = _LONGEST_AFTER_REFUSAL_S, _REFUSALS[answer.status]
                # Who may not ask any longer knows what it was told before; what is not declared has no lag.
                if answer.status == 404:
                    known.ownership = None
            elif answer.status != 200:
                trouble = f"answers {answer.status} when asked how far the service is behind"
            else:
                known.ownership, known.asked_at = read_ownership(name, answer.body), asked_at
                trouble = doubt(known.ownership)
        except UpstreamError as error:
            trouble = f"gives no answer: {error.failure.text}"
        except NonsenseError as error:
            trouble = f"gives an answer that says nothing of the kind: {error}"
        except Exception:
            log.exception("ownership_not_asked", capability=name)
            trouble = "could not be asked; see the log"
        if trouble is not None:
            trouble = f"{known.upstream.name} {trouble}"
        if trouble != known.trouble:
            log.info("ownership", capability=name, trouble=trouble)
        is_answered = known.ownership is not None and known.asked_at == asked_at
        known.trouble = trouble
        known.failures = 0 if is_answered else min(known.failures + 1, 10)
        return min(ASK_EVERY_S * 2.0 ** max(known.failures - 1, 0), longest_s)

    def _headers(self, upstream: Upstream) -> tuple[Header, ...]:
        assert self._credential is not None
        return (
            (b"Host", upstream.authority.encode("ascii")),
            (b"Authorization", f"Bearer {self._credential}".encode("ascii")),
            (b"Accept", b"application/json"),
            (b"User-Agent", f"fig/{__version__}".encode("ascii")),
        )
