"""Routes, compiled: the most specific route that claims a method and a path, in time that the number of routes
does not change.

A trie of path segments. At each node the children are tried from the most specific kind to the least (see
``config.pattern``), so the first hit is the answer; only several globs that match the same segment must be compared
with each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from stranglerfig.config.model import Route
from stranglerfig.config.pattern import Kind, glob_matches


class HasRoute(Protocol):
    """Anything that is claimed by a route."""

    @property
    def route(self) -> Route:
        """The route."""
        ...


ClaimT = TypeVar("ClaimT", bound=HasRoute)


@dataclass(slots=True)
class _Entries(Generic[ClaimT]):
    """The claims on one and the same path pattern, by method."""

    by_method: dict[str, ClaimT]
    any_method: ClaimT | None
    for_options: ClaimT

    def of(self, method: str) -> ClaimT | None:
        found = self.by_method.get(method)
        if found is not None:
            return found
        return self.for_options if method == "OPTIONS" else self.any_method


class _Node(Generic[ClaimT]):
    __slots__ = ("ending", "globs", "literals", "name", "rest")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[ClaimT]] = {}
        self.name: _Node[ClaimT] | None = None
        self.globs: dict[str, _Node[ClaimT]] = {}
        self.ending: _Entries[ClaimT] | None = None
        self.rest: _Entries[ClaimT] | None = None

    def find(self, method: str, parts: Sequence[str], depth: int) -> ClaimT | None:
        """The most specific claim at or below this node on ``parts[depth:]``."""
        if depth == len(parts):
            found = self.ending.of(method) if self.ending else None
        else:
            part = parts[depth]
            child = self.literals.get(part)
            found = child.find(method, parts, depth + 1) if child else None
            if found is None and part:
                if self.name is not None:
                    found = self.name.find(method, parts, depth + 1)
                if found is None and self.globs:
                    found = self._find_by_globs(method, parts, depth)
        if found is None and self.rest is not None:
            return self.rest.of(method)
        return found

    def _find_by_globs(self, method: str, parts: Sequence[str], depth: int) -> ClaimT | None:
        part = parts[depth]
        found = (
            node.find(method, parts, depth + 1)
            for glob, node in self.globs.items()
            if glob_matches(glob, part)
        )
        return min(
            (claim for claim in found if claim is not None),
            key=lambda claim: claim.route.parsed.kinds,
            default=None,
        )


class Table(Generic[ClaimT]):
    """The compiled routes. Immutable after it is built."""

    __slots__ = ("_claims", "_root")

    def __init__(self, claims: Iterable[ClaimT]) -> None:
        self._claims = tuple(claims)
        self._root: _Node[ClaimT] = _Node()
        for claim in self._claims:
            self._add(claim)

    def _add(self, claim: ClaimT) -> None:
        node, is_rest = self._root, False
        for segment in claim.route.parsed.segments:
            match segment.kind:
                case Kind.LITERAL:
                    node = node.literals.setdefault(segment.text, _Node())
                case Kind.NAME:
                    node.name = node.name or _Node()
                    node = node.name
                case Kind.GLOB:
                    node = node.globs.setdefault(segment.text, _Node())
                case Kind.REST:
                    is_rest = True
        if is_rest:
            node.rest = _with(node.rest, claim)
        else:
            node.ending = _with(node.ending, claim)

    def match(self, method: str, path: str) -> ClaimT | None:
        """The most specific claim on ``method`` and ``path`` (from ``wsgi_path``), or None.

        HEAD follows GET; OPTIONS follows the most specific path, whatever its methods are: where several claims share
        that path, the one for GET, else the first of the file.
        """
        if method == "HEAD":
            method = "GET"
        parts = path.split("/")
        # A path of WSGI begins with a slash; `*`, of OPTIONS, is claimed by nobody.
        return self._root.find(method, parts, 1) if parts[0] == "" and len(parts) > 1 else None

    def matches(self, method: str, path: str) -> list[ClaimT]:
        """Every claim on ``method`` and ``path``, the most specific first. Looks at all routes: for explanations."""
        wanted = "GET" if method == "HEAD" else method
        found = [
            claim
            for claim in self._claims
            if claim.route.parsed.matches(path)
            and (
                claim.route.methods is None or wanted == "OPTIONS" or wanted in claim.route.methods
            )
        ]
        return sorted(found, key=lambda claim: claim.route.parsed.kinds)

    @property
    def claims(self) -> tuple[ClaimT, ...]:
        """All claims, in the order of the file."""
        return self._claims


def _with(entries: _Entries[ClaimT] | None, claim: ClaimT) -> _Entries[ClaimT]:
    methods = claim.route.methods
    entries = entries or _Entries({}, None, claim)
    if methods is None:
        entries.any_method = claim
    else:
        entries.by_method |= {
            method: claim for method in methods if method not in ("HEAD", "OPTIONS")
        }
    if methods is None or "GET" in methods:
        entries.for_options = claim
    return entries
