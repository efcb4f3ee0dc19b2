"""Every change of what runs: reload, set, abort. Each a new generation, each in the audit log.

Changes of the file go one at a time. An abort waits for none of them: between reading ``running`` and replacing it
nothing is awaited, so that neither loses what the other did.

The file is the user's: it is read afresh before each edit, written only if nobody wrote meanwhile, and a file that
can't be used is refused whole while the last good one goes on. An abort needs no file: its override is on disk first,
then on the workers, and the file follows if it can be written.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from stranglerfig.channel.messages import SnapshotMessage
from stranglerfig.config.changed import lines
from stranglerfig.config.model import Stage
from stranglerfig.control import audit, overrides
from stranglerfig.control.edits import Edited, write_stage
from stranglerfig.control.fleet import Spread
from stranglerfig.control.outcome import outcome_of
from stranglerfig.control.refusal import ChangeError, unknown_capability
from stranglerfig.control.running import (
    LastChange,
    Refused,
    Running,
    by_capability,
    differences,
    later,
)
from stranglerfig.control.source import (
    NamedFilesError,
    Reading,
    RefusedError,
    Source,
    Written,
    changes_that_need_a_restart,
)
from stranglerfig.routing.override import Override
from stranglerfig.routing.snapshot import compile_snapshot

log = structlog.get_logger(__name__)

_STABLE_S = (
    0.02  # a file that changed is read again after this long: an editor may be half way through it
)
_STABLE_LOOKS = 50
_FOLLOW_TIMEOUT_S = (
    10.0  # the file may lie on a disk that hangs, or a set wait for a worker that does
)


class Changes:
    """The only one who changes what runs."""

    def __init__(
        self,
        source: Source,
        state_dir: Path,
        running: Running,
        spread: Callable[[SnapshotMessage], Awaitable[Spread]],
        on_change: Callable[[Running, Running], None],
        admit: Callable[[Written], None] = lambda _: None,
    ) -> None:
        """``admit`` looks at the files that a fig.yaml names, and raises ``NamedFilesError`` if they can't be used."""
        self.running = running
        self.refused: Refused | None = None
        self.last: LastChange | None = None
        self.last_of: dict[str, LastChange] = {}
        self._source = source
        self._state_dir = state_dir
        self._spread = spread
        self._on_change = on_change
        self._admit = admit
        self._file_lock = asyncio.Lock()
        self._seen_unchanged_at = time.time()

    async def look(self) -> None:
        """Reload if the files differ from what was last looked at, and hold still; or if it is others that were missing."""
        looked_at = time.time()
        reading = await asyncio.to_thread(self._source.read)
        if reading.key == self.running.key:
            self._seen_unchanged_at = looked_at
            if self.refused is not None:
                log.info("config_good_again", digest=reading.digest)
                self.refused = None
            return
        why = "file saved"
        if self.refused is not None and reading.key == self.refused.key:
            self._seen_unchanged_at = looked_at
            if not self.refused.awaits_files:
                return
            why = "certificate mended"
        async with self._file_lock:
            await self._reload(await self._settled(reading), who=audit.whoami(), why=why)

    async def reload(self, why: str) -> None:
        """Read the files now, as on SIGHUP; a file that is still bad is reported again."""
        async with self._file_lock:
            self.refused = None
            reading = await asyncio.to_thread(self._source.read)
            await self._reload(reading, who=audit.whoami(), why=why)

    async def _settled(self, reading: Reading) -> Reading:
        for _ in range(_STABLE_LOOKS):
            await asyncio.sleep(_STABLE_S)
            again = await asyncio.to_thread(self._source.read)
            if again.key == reading.key:
                break
            reading = again
        return reading

    async def _reload(self, reading: Reading, *, who: str, why: str) -> None:
        """Take the reading, or refuse it whole. Called with the lock held."""
        if reading.key == self.running.key:  # a set or abort of ours, or saved back meanwhile
            self.refused = None
            return
        try:
            written = await asyncio.to_thread(self._parse, reading)
        except RefusedError as error:
            self._refuse(reading, error)
            return
        # A file moved into place may be older than the last look: then noticing it is when it was saved.
        saved_at = reading.saved_at
        if not self._seen_unchanged_at <= saved_at <= time.time():
            saved_at = time.time()
        old = self.running
        await self._apply(old.holding(written), began_at=saved_at, event="reload", who=who, why=why)

    def _parse(self, reading: Reading) -> Written:
        written = self._source.parse(reading)
        if fixed := changes_that_need_a_restart(
            self.running.config, written.config, self._source.path
        ):
            raise RefusedError(fixed)
        self._admit(written)
        return written

    def _refuse(self, reading: Reading, error: RefusedError) -> None:
        known = self.refused
        if known is not None and (known.key, known.problems) == (reading.key, error.problems):
            return  # said already: we only tried again
        awaits_files = isinstance(error, NamedFilesError)
        self.refused = Refused(reading.key, error.problems, time.time(), awaits_files)
        log.error("config_refused", problems=list(error.problems), goes_on=self.running.generation)
        audit.append(
            self._state_dir,
            "config_refused",
            digest=reading.digest,
            problems=list(error.problems),
            generation=self.running.generation,
        )

    async def set(
        self, capability: str, stage: Stage, percent: float | None, *, who: str, why: str
    ) -> dict[str, Any]:
        """Write the stage into the file and give the answer when every worker runs it. Raises ``ChangeError``."""
        began_at = time.time()
        async with self._file_lock:
            edited = await asyncio.to_thread(self._edit, capability, stage, percent)
            old = self.running
            lifted = capability in old.overrides
            if not lifted and edited.written.key == old.key:
                return {
                    **outcome_of(self.running, capability, began_at, None),
                    "changed": False,
                    "lifted_abort": False,
                }
            kept = {name: item for name, item in old.overrides.items() if name != capability}
            if lifted:
                self._save(kept)
            spread = await self._apply(
                replace(old.holding(edited.written), overrides=kept),
                began_at=began_at,
                event="set",
                who=who,
                why=why,
                capability=capability,
                lifted_abort=lifted,
            )
            return {
                **outcome_of(self.running, capability, began_at, spread),
                "changed": True,
                "lifted_abort": lifted,
            }

    def _edit(self, capability: str, stage: Stage, percent: float | None) -> Edited:
        """Bring the file to the wanted stage."""
        known = self.running.config.capabilities
        if capability not in known:
            raise unknown_capability(capability, list(known))
        return write_stage(self._source, capability, stage, percent, parse=self._parse)

    async def abort(self, capability: str, *, who: str, why: str) -> dict[str, Any]:
        """Send the capability's safe requests to the monolith, whatever the file says. Raises ``ChangeError``.

        Called again it makes sure of what the first call could not: that every worker uses it, that it is on disk,
        that the file follows.
        """
        began_at = time.time()
        old = self.running
        if capability not in old.config.capabilities and capability not in old.overrides:
            raise unknown_capability(capability, list(old.config.capabilities))
        known = old.overrides.get(capability)
        override = known or Override(capability=capability, since=began_at, who=who, why=why)
        aborted = {**old.overrides, capability: override}
        try:
            self._save(aborted)
            persisted = True
        except ChangeError:
            persisted = False  # a full disk must not keep it from holding now
        if known is None:
            spread = await self._apply(
                replace(old, overrides=aborted),
                began_at=began_at,
                event="abort",
                who=who,
                why=why,
                capability=capability,
                persisted=persisted,
            )
        else:
            spread = await self._spread(old.message())
        outcome = outcome_of(self.running, capability, began_at, spread)
        followed, reason = await self._file_follows(capability, who=who, why=why)
        return {
            **outcome,
            "generation": self.running.generation,
            "already_aborted": known is not None,
            "persisted": persisted,
            "file_followed": followed,
            "file_reason": reason,
        }

    async def _file_follows(
        self, capability: str, *, who: str, why: str
    ) -> tuple[bool, str | None]:
        """Write ``stage: monolith``, so that the file says what holds; the abort holds without it."""
        began_at = time.time()
        try:
            async with asyncio.timeout(_FOLLOW_TIMEOUT_S) as waiting, self._file_lock:
                edited = await asyncio.to_thread(self._edit, capability, Stage.MONOLITH, None)
                waiting.reschedule(None)
                if edited.written.key != self.running.key:
                    await self._apply(
                        self.running.holding(edited.written),
                        began_at=began_at,
                        event="file_follows_abort",
                        who=who,
                        why=why,
                        capability=capability,
                    )
        except ChangeError as error:
            return False, f"{error}; {error.mend}"
        except TimeoutError:
            return False, (
                f"{self._source.path} could not be had within {_FOLLOW_TIMEOUT_S:g} s; "
                "see what holds it, then write stage: monolith"
            )
        return True, None

    def _save(self, kept: dict[str, Override]) -> None:
        try:
            overrides.save(self._state_dir, kept)
        except OSError as error:
            log.error("overrides_not_written", error=str(error))
            raise ChangeError(
                507,
                f"{self._state_dir} can't be written: {error.strerror}",
                "make room or mend its rights, then call again",
            ) from error

    async def _apply(
        self,
        wanted: Running,
        *,
        began_at: float,
        event: str,
        who: str,
        why: str,
        **facts: Any,
    ) -> Spread:
        """Make ``wanted`` the next generation on every worker and write it down."""
        old = self.running
        running = replace(wanted, generation=old.generation + 1)
        # Compiled here too, and first: what can't be compiled must fail before any worker sees it.
        compile_snapshot(running.config, running.overrides, running.generation)
        changes = differences(old, running)
        changed, told = by_capability(changes), lines(changes)
        self.running = running
        self.refused = None if running.key != old.key else self.refused
        self._on_change(old, running)
        spread = await self._spread(running.message())
        effective_ms = round((time.time() - began_at) * 1000, 1)
        change = LastChange(event, who, why, began_at, running.generation, effective_ms, told)
        self.last = later(self.last, change)
        self.last_of.update({name: later(self.last_of.get(name), change) for name in changed})
        log.info(
            "generation_effective",
            generation=running.generation,
            effective_ms=effective_ms,
            cause=event,
            changed=list(told),
        )
        audit.append(
            self._state_dir,
            event,
            who=who,
            why=why,
            changed=changed,
            digest=running.digest,
            generation=running.generation,
            effective_ms=effective_ms,
            **facts,
        )
        return spread
