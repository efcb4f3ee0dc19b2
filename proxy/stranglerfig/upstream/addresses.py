"""The addresses of a host name: pure.

A name stands for all its addresses, such as the containers of one service. Requests are spread only over those of one family, that
of the first, which is the one the system prefers: a name with an IPv6 address beside its IPv4 one usually means one server
twice, and often one way to it does not work. The other family is tried where the first gives no connection.
"""

from collections.abc import Sequence


class Addresses:
    """The addresses of one name, as they were when it was last looked up. None are known before ``learn``."""

    __slots__ = ("known", "others")

    def __init__(self) -> None:
        self.known: tuple[str, ...] = ()
        """Those of the family that the system prefers, sorted."""
        self.others: tuple[str, ...] = ()
        """Those of the other family."""

    def __contains__(self, address: str) -> bool:
        return address in self.known or address in self.others

    @property
    def is_empty(self) -> bool:
        return not self.known

    def learn(self, found: Sequence[str]) -> bool:
        """Replace what is known by ``found``, in the system's order, or by nothing; gives whether that changed the set."""
        addresses = tuple(dict.fromkeys(found))
        known = tuple(each for each in addresses if _family(each) == _family(addresses[0]))
        others = tuple(each for each in addresses if each not in known)
        has_changed = {*known, *others} != {*self.known, *self.others}
        # The system shuffles them; whose turn it is should not depend on that.
        self.known, self.others = tuple(sorted(known)), others
        return has_changed


def _family(address: str) -> bool:
    return ":" in address
