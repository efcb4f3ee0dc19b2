"""The certificates, keys and CAs that the config names: read here, by content and never by half, and given to the children.

The supervisor alone reads them. A child is told what they hold, over a socket that only this user can open, and so one that
is started again has what the others have, also when the files are bad by then or gone; nothing is written anywhere.

Files that change are taken when two looks in a row find the same, and it is good: whoever renews writes two files, and not
both at once. What is bad for two looks is refused, and the last good goes on. Files that a changed fig.yaml names for the
first time must be good, or the fig.yaml is refused until they are.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

from stranglerfig.channel.messages import PemMessage, Role, ShownCertificate, TlsMessage
from stranglerfig.config.model import Config
from stranglerfig.config.tls import PemPaths
from stranglerfig.control import audit
from stranglerfig.control.source import NamedFilesError, RefusedError, Written
from stranglerfig.tls.contexts import CLIENT_CONTEXTS
from stranglerfig.tls.needs import DAY_S, Held, Need, Use, doubts, examine, needs_of, take_up
from stranglerfig.tls.pem import PemError, Texts, read_pems

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look found that is not what is in use."""

    found: Texts | str
    """What the files hold, or why they can't be read."""
    is_judged: bool = False
    trouble: str | None = None
    """Why it was refused."""
    since: float = 0.0


class Certificates:
    """What the files hold that is in use, and what became of them since."""

    def __init__(
        self,
        written: Written,
        *,
        config: Callable[[], Config],
        on_change: Callable[[], None],
        on_judged: Callable[[str], None],
    ) -> None:
        """Read all that ``written`` names. Raises ``RefusedError`` if any of it can't be used.

        An expired certificate can: a proxy that does not start serves nobody. ``config`` gives what runs; ``on_change`` is
        called when other files are in use, ``on_judged`` with ``taken`` or ``refused``.
        """
        held, findings = take_up(written.config)
        if findings:
            raise RefusedError(tuple(map(str, written.place(findings))))
        self._held = held
        self._seen: dict[PemPaths, _Seen] = {}
        self._config = config
        self._on_change = on_change
        self._on_judged = on_judged
        self._learn()
        for doubt in written.place(doubts(written.config, held, time.time())):
            log.warning("certificate_doubtful", problem=str(doubt))

    def admit(self, written: Written) -> None:
        """Look at files that are not in use yet and that a changed fig.yaml names. Raises ``NamedFilesError``.

        They are in use from now on, those that no fig.yaml names any longer until ``forget``.
        """
        held, findings = take_up(written.config, self._known_or_read)
        late = [
            (need, untimely)
            for need in needs_of(written.config)
            if need.paths not in self._held
            and (found := held.get(need.paths)) is not None
            and found.facts is not None
            and (untimely := found.facts.untimely(time.time())) is not None
        ]
        problems = [*map(str, written.place(findings))]
        problems += [f"{need.paths[0]} {untimely}. Mend: renew it." for need, untimely in late]
        if problems:
            raise NamedFilesError(tuple(problems))
        self._held.update(held)
        self._learn()

    def forget(self, config: Config) -> None:
        """Keep only what ``config`` names, and tell the children."""
        named = {need.paths for need in needs_of(config)}
        for known in (self._held, self._seen):
            for paths in known.keys() - named:
                del known[paths]
        self._learn()
        self._on_change()

    def _known_or_read(self, paths: PemPaths) -> Texts:
        known = self._held.get(paths)
        return read_pems(paths) if known is None else known.texts

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception:
                log.exception("certificates_not_looked_at")

    async def look(self) -> None:
        """Look once at every file in use."""
        has_changed = False
        # Files that two upstreams share are looked at once.
        needs = {need.paths: need for need in needs_of(self._config())}
        for need in needs.values():
            found = await asyncio.to_thread(_read, need.paths)
            held = self._held.get(need.paths)
            if held is None:
                continue
            if found == held.texts:
                if (seen := self._seen.pop(need.paths, None)) and seen.trouble:
                    log.info("certificate_good_again", files=need.paths)
                continue
            seen = self._seen.get(need.paths)
            if seen is None or seen.found != found:
                trouble, since = (seen.trouble, seen.since) if seen else (None, 0.0)
                self._seen[need.paths] = _Seen(found, False, trouble, since)
            elif not seen.is_judged:
                has_changed |= await asyncio.to_thread(self._judge, need, found)
        if has_changed:
            self._learn()
            self._on_change()

    def _judge(self, need: Need, found: Texts | str) -> bool:
        """Take what was found twice, or refuse it; gives whether it was taken."""
        trouble: str | None
        held: Held | None = None
        if isinstance(found, str):
            trouble = found
        else:
            try:
                held = examine(need, found)
                untimely = held.facts and held.facts.untimely(time.time())
                trouble = f"{need.paths[0]} {untimely}; renew it" if untimely else None
            except PemError as error:
                trouble = str(error)
        if trouble is not None or held is None:
            self._seen[need.paths] = _Seen(found, True, trouble, time.time())
            log.error("certificate_refused", files=need.paths, trouble=trouble)
            audit.append(Path(), "certificate_refused", files=need.paths, trouble=trouble)
            self._on_judged("refused")
            return False
        self._held[need.paths] = held
        self._seen.pop(need.paths, None)
        facts = {} if held.facts is None else {"expires": _iso(held.facts.expires_at)}
        log.info("certificate_taken", files=need.paths, **facts)
        audit.append(Path(), "certificate_taken", files=need.paths, **facts)
        self._on_judged("taken")
        return True

    def _learn(self) -> None:
        """Let this process itself, which asks monoliths too, go by what is in use."""
        CLIENT_CONTEXTS.learn({paths: held.texts for paths, held in dict(self._held).items()})

    def message(self, role: Role) -> TlsMessage:
        """What a child must know: of what clients are shown, workers alone."""
        shown, pems = [], []
        for need in needs_of(self._config()):
            held = self._held.get(need.paths)
            if held is None:
                continue
            if need.use is not Use.LISTEN:
                pems.append(PemMessage(paths=need.paths, texts=held.texts))
            elif role == "worker" and held.facts is not None:
                certificate, key = held.texts
                names = held.facts.names
                shown.append(ShownCertificate(certificate=certificate, key=key, names=names))
        return TlsMessage(shown=shown, pems=pems)

    def status(self) -> list[dict[str, Any]]:
        """What is in use, as JSON can hold it; nothing secret."""
        return list(self._status())

    def _status(self) -> Iterator[dict[str, Any]]:
        now = time.time()
        for need in needs_of(self._config()):
            held, seen = self._held.get(need.paths), self._seen.get(need.paths)
            facts = held.facts if held is not None else None
            yield {
                "use": need.use.value,
                "upstream": need.upstream,
                "files": list(need.paths),
                "names": list(facts.names) if facts else [],
                "expires": _iso(facts.expires_at) if facts else None,
                "days_left": round((facts.expires_at - now) / DAY_S, 2) if facts else None,
                "untimely": facts.untimely(now) if facts else None,
                "refused": (
                    {"since": _iso(seen.since), "trouble": seen.trouble}
                    if seen is not None and seen.trouble is not None
                    else None
                ),
            }


def _read(paths: PemPaths) -> Texts | str:
    try:
        return read_pems(paths)
    except PemError as error:
        return str(error)


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds")
