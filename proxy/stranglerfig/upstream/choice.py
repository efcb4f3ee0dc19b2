"""Which of several addresses gets the next request: pure, chance is an argument.

``least_requests`` compares two addresses and takes the one with fewer requests under way, as the power of two choices has
it (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001): nearly as even as comparing all. Besides
it is robust where comparing all is not: an address that answers errors at once always has the fewest requests, and would get
nearly everything; of n addresses it gets two in n here at most. The first of the two is the one whose turn it is and only
the second is drawn, so that addresses that are equally busy get exactly equal shares. With two addresses nothing is drawn.
"""

from collections.abc import Callable, Sequence

from stranglerfig.upstream.peer import Peer

Chance = Callable[[], float]
"""Gives a number from 0 to below 1."""


def least_requests(peers: Sequence[Peer], turn: int, chance: Chance) -> Peer:
    """The less busy of two of ``peers``, of which there are at least two; of equals the one whose turn it is."""
    n = len(peers)
    at = turn % n
    step = 1 if n == 2 else 1 + int(chance() * (n - 1))
    first, second = peers[at], peers[(at + step) % n]
    return second if second.under_way < first.under_way else first


def round_robin(peers: Sequence[Peer], turn: int, chance: Chance) -> Peer:
    """The one of ``peers`` whose turn it is, however busy."""
    return peers[turn % len(peers)]


BY_NAME = {"least_requests": least_requests, "round_robin": round_robin}
