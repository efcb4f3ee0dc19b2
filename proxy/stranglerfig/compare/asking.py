"""Asks two servers the same, path after path, by what is given and by the links that are found: ``fig same``."""

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.reading import PLAIN, Reading
from stranglerfig.compare.links import links_of
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import RouteRules
from stranglerfig.compare.whole import (
    Compared,
    Sameness,
    by_rules,
    compare_whole,
    without_noise,
)
from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import UpstreamError
from stranglerfig.http1.headers import Header
from stranglerfig.upstream.fetch import fetch

_WITHIN_S: Final = 30.0
_MAX_BODY_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one path: both statuses, where there are two answers, or who gave none and why."""

    path: str
    statuses: tuple[int, int] | None
    compared: Compared
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Crawling:
    """How far links are followed: until ``most`` paths are known, those that begin with ``only`` and hold no ``skip``."""

    most: int
    only: str
    skip: tuple[str, ...]

    def follows(self, link: str) -> bool:
        """Whether a link is worth a question."""
        return link.startswith(self.only) and not any(text in link for text in self.skip)


class Asking:
    """Asks one path of both sides."""

    def __init__(
        self,
        sides: tuple[Upstream, Upstream],
        host: str,
        extra: list[Header],
        rules_of: Callable[[str], RouteRules | None] = lambda _: None,
    ) -> None:
        """``rules_of`` gives the rules by which the answers to a path are judged."""
        self._rules_of = rules_of
        self.control, self.candidate = sides
        self.host = host
        given = {name.lower() for name, _ in extra}
        usual = [(b"Host", host.encode()), (b"User-Agent", b"fig"), (b"Accept", b"*/*")]
        self._headers = [each for each in usual if each[0].lower() not in given] + extra
        self._context = Context.of(self._headers, self.control.authority, self.candidate.authority)

    async def ask(self, path: str) -> tuple[Asked, RecordedResponse | None]:
        """What came of it, and the control's answer."""
        right: RecordedResponse | None = None
        try:
            right = await self._fetch(self.control, path, "control")
            other = await self._fetch(self.candidate, path, "candidate")
        except _NoAnswerError as error:
            return Asked(path, None, Compared(Sameness.NO_ANSWER), str(error)), right
        rules = self._rules_of(path)
        reading = PLAIN if rules is None else rules.reading
        compared = compare_whole(right, other, self._context, reading)
        if rules is not None:
            with contextlib.suppress(NotComparableError):  # compared byte by byte
                compared = by_rules(compared, (right, other), rules)
        if compared.found:
            compared = await self._without_noise(compared, path, (right, other), reading)
        return Asked(path, (right.status, other.status), compared), right

    async def _without_noise(
        self,
        compared: Compared,
        path: str,
        answers: tuple[RecordedResponse, RecordedResponse],
        reading: Reading,
    ) -> Compared:
        right, other = answers
        try:
            again = await self._fetch(self.control, path, "control")
            return without_noise(compared, (right, again, other), self._context, reading)
        except (_NoAnswerError, NotComparableError):
            return compared

    async def _fetch(self, side: Upstream, path: str, name: str) -> RecordedResponse:
        try:
            answer = await fetch(
                side,
                "GET",
                path.encode("ascii"),
                self._headers,
                b"",
                deadline_s=_WITHIN_S,
                max_body_bytes=_MAX_BODY_BYTES,
            )
        except UpstreamError as error:
            raise _NoAnswerError(f"{name}: {error}") from error
        return RecordedResponse(answer.status, answer.headers, answer.body)

    async def walk(
        self, wanted: Sequence[str], crawling: Crawling, on_asked: Callable[[int], None]
    ) -> list[Asked]:
        """Ask for every path wanted, then for what they lead to, one after the other."""
        asked: list[Asked] = []
        known, waiting = set(wanted), deque(dict.fromkeys(wanted))
        while waiting:
            path = waiting.popleft()
            result, answer = await self.ask(path)
            asked.append(result)
            on_asked(len(asked))
            if answer is None or len(known) >= crawling.most:
                continue
            for link in _links(answer, path, self.host):
                if len(known) < crawling.most and link not in known and crawling.follows(link):
                    known.add(link)
                    waiting.append(link)
        return asked


class _NoAnswerError(Exception):
    """One side gave none."""


def _links(answer: RecordedResponse, path: str, host: str) -> list[str]:
    try:
        return links_of(answer, path, host)
    except NotComparableError:  # too large to be read for links
        return []
