"""Where an answer without end leads, and whether another table would lead it elsewhere."""

from collections.abc import Mapping

from stranglerfig.config.balancing import Endpoint
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.routing.decide import decide
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.path import wsgi_path
from stranglerfig.routing.plan import Plan, Reason, Side
from stranglerfig.server.planning import HeaderView
from stranglerfig.server.runtime import Generation, new_user

Target = tuple[Side, frozenset[Endpoint]] | None
"""The side and its servers; None: nobody."""


class Course:
    """What is remembered of a request as long as its answer goes on: enough to decide it again."""

    __slots__ = ("_address", "_forced", "_head", "_server", "_side", "_user", "generation")

    def __init__(
        self,
        head: RequestHead,
        address: str,
        plan: Plan,
        generation: Generation,
        server: Endpoint | None,
    ) -> None:
        """``address`` is the client's; ``plan`` was made by ``generation``, and ``server`` carries it out."""
        self._head = head
        self._address = address
        self._user = plan.set_cookie
        self._forced: Mapping[str, Side] = {}
        if plan.reason is Reason.FORCED and plan.capability is not None:
            self._forced = {plan.capability: plan.side}
        self.generation = generation
        """Under which it was decided last, and found to lead where it does."""
        self._side = plan.side
        self._server = server
        generation.exchanges += 1

    def end(self) -> None:
        """Let go of the generation."""
        self.generation.exchanges -= 1

    def holds_under(self, generation: Generation) -> bool:
        """Whether ``generation`` still has its server on its side; if so it belongs to that from now on.

        A read that stayed with its user's write would go elsewhere by now under any table: what counts is whether the
        new one says something new.
        """
        target = self._decide(generation)
        is_here = target is not None and target[0] is self._side and self._server in target[1]
        if not is_here and target != self._decide(self.generation):
            return False
        self.generation.exchanges -= 1
        self.generation = generation
        generation.exchanges += 1
        return True

    def _decide(self, generation: Generation) -> Target:
        facts = Facts(
            self._head.method,
            wsgi_path(self._head.target),
            HeaderView(self._head),
            self._address,
            self._mint,
            forced=self._forced,
        )
        return _target_of(decide(facts, generation.snapshot), generation)

    def _mint(self) -> str:
        """Give the user that was made for this request, or is made now and stays the same."""
        if self._user is None:
            self._user = new_user()
        return self._user


def _target_of(plan: Plan, generation: Generation) -> Target:
    upstream = generation.upstreams.get(plan.upstream) if plan.upstream is not None else None
    return None if upstream is None else (plan.side, frozenset(upstream.endpoints))
