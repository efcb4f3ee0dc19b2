"""Which address of a host name carries the next request: pure, time is an argument.

A name stands for all its addresses, such as the containers of one service. The least used is taken; of several, the one
whose turn it is. One where no connection came about is avoided for a while, unless there is no other.

Only addresses of one family are spread over, that of the first, which is the one the system prefers: a name with an IPv6
address beside its IPv4 one usually means one server twice, and often one way to it does not work. The other family
is tried where the first gives no connection.
"""

from collections.abc import Sequence
from typing import Final

AVOID_S: Final = 5.0


class Addresses:
    """The addresses of one name, as they were when it was last looked up. None are known before ``learn``."""

    __slots__ = ("_avoided_until", "_known", "_others", "_turn", "_used")

    def __init__(self, turn: int = 0) -> None:
        """``turn``: whose turn it is first, of whatever will be found."""
        self._known: tuple[str, ...] = ()
        self._others: tuple[str, ...] = ()
        self._used: dict[str, int] = {}
        self._avoided_until: dict[str, float] = {}
        self._turn = turn

    def __contains__(self, address: str) -> bool:
        return address in self._known or address in self._others

    @property
    def is_empty(self) -> bool:
        return not self._known

    def learn(self, found: Sequence[str]) -> bool:
        """Replace what is known by ``found``, in the system's order, or by nothing; gives whether that changed the set."""
        addresses = tuple(dict.fromkeys(found))
        known = tuple(each for each in addresses if _family(each) == _family(addresses[0]))
        others = tuple(each for each in addresses if each not in known)
        has_changed = {*known, *others} != {*self._known, *self._others}
        if has_changed:
            self._avoided_until = {
                address: until
                for address, until in self._avoided_until.items()
                if address in addresses
            }
        # The system shuffles them; whose turn it is should not depend on that.
        self._known, self._others = tuple(sorted(known)), others
        return has_changed

    def pick(self, now: float) -> str | None:
        """Give the address for the next request, None where none is known. It is not counted as used yet."""
        known = self._known
        if len(known) < 2 and not self._avoided_until:
            return known[0] if known else None
        for address in [each for each, until in self._avoided_until.items() if until <= now]:
            del self._avoided_until[address]
        candidates = (
            [each for each in known if each not in self._avoided_until]
            or [each for each in self._others if each not in self._avoided_until]
            or known
        )
        if not candidates:
            return None
        self._turn += 1
        start = self._turn % len(candidates)
        in_turn: list[str] = [*candidates[start:], *candidates[:start]]
        return min(in_turn, key=lambda each: self._used.get(each, 0))

    def besides(self, address: str) -> list[str]:
        """Where else a connection may be tried when ``address`` gives none: those not avoided first."""
        others = [each for each in (*self._known, *self._others) if each != address]
        return sorted(others, key=lambda each: each in self._avoided_until)

    def use(self, address: str) -> None:
        """Count a request that goes there."""
        self._used[address] = self._used.get(address, 0) + 1

    def release(self, address: str) -> None:
        """Count that it is over."""
        left = self._used[address] - 1
        if left:
            self._used[address] = left
        else:
            del self._used[address]

    def avoid(self, address: str, now: float) -> None:
        """Remember that no connection came about."""
        self._avoided_until[address] = now + AVOID_S


def _family(address: str) -> bool:
    return ":" in address
