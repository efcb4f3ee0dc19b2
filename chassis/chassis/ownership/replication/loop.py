"""The loop of `consume`: turn after turn, whatever happens to the source, the database or a page."""

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from django.db import Error, connections
from django.utils import timezone

from chassis.ownership.backfill.lock import only_one
from chassis.ownership.backfill.walk import WalkError
from chassis.ownership.replica import Replica
from chassis.ownership.replication.consumer import Consumer
from chassis.ownership.replication.page import PageError
from chassis.ownership.source.channel import SourceAwayError, SourceError

# What is away is asked again soon: it needs nobody to mend it. The last delay goes on for ever.
AWAY_DELAYS_S = (0.5, 1.0, 2.0, 3.0, 5.0)
# What does not fit waits for a person.
STUCK_DELAYS_S = (1.0, 5.0, 10.0, 30.0)


def follow(
    replica: Replica,
    consumer: Consumer,
    *,
    interval_s: float,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> NoReturn:
    """Go on for ever. Raises OvertakenError, and AlreadyRunningError when another process consumes."""
    trouble = _Trouble(replica, tell)
    while True:
        try:
            with only_one("consume", replica.capability, replica.using):
                while True:
                    try:
                        more = consumer.turn()
                        trouble.over()
                        delay_s = 0.0 if more else interval_s
                    except SourceAwayError as error:
                        delay_s = trouble.met(
                            "away", f"{error}; asking until it answers", AWAY_DELAYS_S
                        )
                    except (SourceError, WalkError, PageError) as error:
                        line = f"stuck, and nothing is skipped: {error}"
                        delay_s = trouble.met(line, line, STUCK_DELAYS_S)
                    if delay_s:
                        sleep(delay_s)
        except Error as error:
            # Out of the lock: on PostgreSQL it went with the connection.
            connections[replica.using].close()
            sleep(trouble.met("database", f"this service's database: {error}", AWAY_DELAYS_S))


class _Trouble:
    """What keeps the loop from going on: told when it begins and when it is over, not with each attempt."""

    def __init__(self, replica: Replica, tell: Callable[[str], None]) -> None:
        self._replica = replica
        self._tell = tell
        self._kind: str | None = None
        self._since = self._failures = 0.0
        self._is_noted = True  # by a run before this one, perhaps

    def met(self, kind: str, line: str, delays_s: Sequence[float]) -> float:
        """How long to wait before the next attempt."""
        if kind != self._kind:
            if self._kind is None:
                self._since = time.monotonic()
            self._kind, self._failures = kind, 0
            self._tell(line)
            self._note(line)
        self._failures += 1
        return delays_s[min(int(self._failures), len(delays_s)) - 1]

    def over(self) -> None:
        if self._kind is not None:
            self._tell(f"going on again, after {time.monotonic() - self._since:.1f} s")
            self._kind = None
        if self._is_noted:
            self._replica.note(trouble="", trouble_at=None)
            self._is_noted = False

    def _note(self, line: str) -> None:
        try:
            self._replica.note(trouble=line, trouble_at=timezone.now())
            self._is_noted = True
        except Error:  # the trouble itself, most likely
            connections[self._replica.using].close()
