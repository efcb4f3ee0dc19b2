"""What the store keeps and its readers get: clusters of one cause, and a few examples of each."""

from dataclasses import asdict, dataclass
from typing import Any

from stranglerfig.compare.diff.difference import Shape
from stranglerfig.compare.diff.severity import Weight, weigh
from stranglerfig.compare.redact import RedactedRequest


@dataclass(frozen=True, slots=True)
class Exchange:
    """The circumstances of one comparison: who was asked what, and when (epoch seconds)."""

    request_id: str
    seen_at: float
    capability: str
    route: str
    stage: str
    answered_side: str
    generation: int
    control: str
    candidate: str
    control_status: int
    candidate_status: int
    request: RedactedRequest
    trace_id: str | None = None
    """The trace that both requests belong to; None where it is not known."""
    size: int | None = None
    """Bytes of the request and of both answers; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """All differences with one capability, route, kind, place and pair of shapes."""

    id: int
    capability: str
    route: str
    kind: str
    where: str
    path: str
    count: int
    first_seen: float
    last_seen: float
    shapes: str = ""
    """The types of both values, or both statuses: ``number → string``. Lengths and digits would tear one cause apart."""

    @property
    def weight(self) -> Weight:
        """How much it matters, and why."""
        return weigh(self.kind, self.where, self.path, self.shapes)

    @property
    def place(self) -> str:
        """Where it is, as a rule would name it."""
        return f"{self.where} {self.path}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The cluster as the admin API says it."""
        severity, why = self.weight
        return {**asdict(self), "severity": severity.value, "why": why}


@dataclass(frozen=True, slots=True)
class Example:
    """One difference of a cluster as it was seen."""

    exchange: Exchange
    path: str
    control: Shape
    candidate: Shape

    def to_dict(self) -> dict[str, Any]:
        """The example as it is stored, and printed by ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ClusterDetail:
    """A cluster with its kept examples: the first one, the smallest one and the newest, oldest first."""

    cluster: Cluster
    examples: tuple[Example, ...]

    @property
    def smallest(self) -> Example | None:
        """The one that is the quickest to read: the least bytes of request and answers."""
        sized = [each for each in self.examples if each.exchange.size is not None]
        return min(sized, key=lambda each: each.exchange.size or 0, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Both as the admin API says them."""
        return {**asdict(self), "cluster": self.cluster.to_dict()}
