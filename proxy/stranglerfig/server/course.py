"""Where an answer without end leads, and whether another table would lead it elsewhere."""

from collections.abc import Mapping

from stranglerfig.config.balancing import Endpoint
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.routing.path import wsgi_path
from stranglerfig.routing.plan import Plan, Reason, Side
from stranglerfig.server.planning import make_plan
from stranglerfig.server.runtime import Generation, new_user

Target = tuple[Side, frozenset[Endpoint]] | None
"""The side and its servers; None: nobody."""


class Course:
    """What is remembered of a request as long as its answer goes on: enough to decide it again."""

    __slots__ = (
        "_address",
        "_fell_back",
        "_forced",
        "_head",
        "_server",
        "_side",
        "_user",
        "generation",
    )

    def __init__(
        self,
        head: RequestHead,
        address: str,
        plan: Plan,
        generation: Generation,
        server: Endpoint | None,
        *,
        fell_back: bool,
    ) -> None:
        """``address`` is the client's; ``plan`` was made by ``generation``, and ``server`` answers it.

        ``fell_back``: that is one of the plan's fallback, for its upstream gave no answer.
        """
        self._head = head
        self._address = address
        self._user = plan.set_cookie
        self._forced: Mapping[str, Side] = {}
        if plan.reason is Reason.FORCED and plan.capability is not None:
            self._forced = {plan.capability: plan.side}
        self.generation = generation
        """Under which it was decided last, and found to lead where it does."""
        self._fell_back = fell_back
        self._side = plan.side.other if fell_back else plan.side
        self._server = server
        generation.exchanges += 1

    def end(self) -> None:
        """Let go of the generation."""
        self.generation.exchanges -= 1

    def holds_under(self, generation: Generation) -> bool:
        """Whether ``generation`` still has its server on its side; if so it belongs to that from now on.

        A read that stayed with its user's write would go elsewhere by now under any table: what counts is whether the
        new one says something new. What fell back stays as long as it would fall back to its server: whether the service
        could answer by now, only asking it can tell.
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
        head, snapshot = self._head, generation.snapshot
        path = wsgi_path(head.target)
        plan = make_plan(head, path, self._address, snapshot, self._forced, mint=self._mint)
        if self._fell_back and plan.fallback is not None:
            return _target_of(plan.side.other, plan.fallback, generation)
        return _target_of(plan.side, plan.upstream, generation)

    def _mint(self) -> str:
        """Give the user that was made for this request, or is made now and stays the same."""
        if self._user is None:
            self._user = new_user()
        return self._user


def _target_of(side: Side, name: str | None, generation: Generation) -> Target:
    upstream = generation.upstreams.get(name) if name is not None else None
    return None if upstream is None else (side, frozenset(upstream.endpoints))
