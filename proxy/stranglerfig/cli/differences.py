"""The differences of a place with what was decided about each, and how commands find one of them and print its state."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from rich.markup import escape

from stranglerfig.cli.output import ExitCode, fail, iso_time, local_time
from stranglerfig.cli.place import Place
from stranglerfig.compare.reading import StoreError
from stranglerfig.compare.record import Cluster
from stranglerfig.compare.triage import Mark, Reopening, State, Triaged
from stranglerfig.compare.triage_file import TRIAGE_NAME, read_triaged

_STYLES: Final = {State.OPEN: "yellow", State.EXPECTED: "cyan", State.FIXED: "green"}
_SPEAKING_KINDS: Final = ("type", "null")


def read_differences(place: Place, **which: Any) -> list[Triaged]:
    """The clusters, and how each stands: what matters most first, then the most frequent. Ends the command when a file cannot be read."""
    try:
        return read_triaged(place.state_dir, **which)
    except StoreError as error:
        fail(str(error), code=ExitCode.NO)
    except OSError as error:
        path = place.state_dir / TRIAGE_NAME
        fail(f"{path} cannot be read: {error.strerror}", mend="mend its rights", code=ExitCode.NO)


def find_difference(which: str, known: list[Triaged]) -> Triaged:
    """The difference that is given by its number, or by the place where it is. Ends the command if that is none, or several."""
    known = [each for each in known if each.cluster.id]
    if _is_number(which):
        found = [each for each in known if each.cluster.id == int(which)]
    else:
        found = [each for each in known if which in _names(each.cluster)]
    if not found:
        _fail_to_find(which, known)
    if len(found) > 1:
        several = ", ".join(_brief(each.cluster, *_apart(each.cluster, found)) for each in found)
        fail(f"{len(found)} differences are at {which!r}", mend=f"give a number: {several}")
    return found[0]


def _fail_to_find(which: str, known: list[Triaged]) -> NoReturn:
    what = f"there is no difference {which if _is_number(which) else f'at {which!r}'}"
    if not known:
        fail(what, mend="none was found yet; fig diffs tells what was compared")
    near = _nearest(which, known)
    meant = f"did you mean {' or '.join(map(_brief, near))}? " if near else ""
    fail(what, mend=f"{meant}fig diffs lists all with their numbers and places")


def _is_number(which: str) -> bool:
    return which.isascii() and which.isdigit() and len(which) < 19


def _names(cluster: Cluster) -> tuple[str, str, str]:
    return cluster.path, cluster.place, cluster.where


def _brief(cluster: Cluster, *apart: str) -> str:
    return f"{cluster.id} ({', '.join([cluster.kind, cluster.place, *apart])})"


def _apart(cluster: Cluster, found: list[Triaged]) -> list[str]:
    """What tells a cluster from the others of its kind and place."""
    alike = [
        each.cluster
        for each in found
        if (each.cluster.kind, each.cluster.place) == (cluster.kind, cluster.place)
    ]
    names = ("capability", "route", "shapes")
    return [
        getattr(cluster, name) for name in names if len({getattr(each, name) for each in alike}) > 1
    ]


def _nearest(which: str, known: list[Triaged]) -> list[Cluster]:
    """Those with nearly this number or place, three at most."""
    clusters = [each.cluster for each in known]
    if _is_number(which):
        return sorted(clusters, key=lambda each: (abs(each.id - int(which)), each.id))[:2]
    by_name = {name: each for each in clusters for name in _names(each) if name}
    found = {by_name[name].id: by_name[name] for name in get_close_matches(which, by_name, 3, 0.5)}
    return list(found.values())


def shapes_shown(cluster: Cluster, among: Iterable[Cluster]) -> str:
    """The pair of shapes where it says more than the kind: of statuses and types, or of several clusters at one place."""
    if not cluster.shapes:
        return ""
    key = (cluster.route, cluster.kind, cluster.place)
    is_one_of_several = sum((each.route, each.kind, each.place) == key for each in among) > 1
    if cluster.where == "status" or cluster.kind in _SPEAKING_KINDS or is_one_of_several:
        return cluster.shapes
    return ""


def state_line(each: Triaged) -> str:
    """How a difference stands, with who said so, as markup; empty for one that nobody has decided about."""
    mark = each.history.mark
    if mark is None:
        return ""
    parts = []
    if each.reopened is not None:
        parts.append(f"[bold red]{reopened_text(each.reopened)}[/]")
    style = _STYLES[mark.state]
    parts.append(f"[{style}]{mark.state}[/] {escape(mark_text(mark))}")
    if each.has_stopped:
        parts.insert(0, f"[bold red]not seen in the last {each.unseen:,} comparisons[/]")
    return " · ".join(parts)


def mark_text(mark: Mark) -> str:
    """Who decided, when and why."""
    return f"{local_time(mark.at)} by {mark.who}: {mark.why}"


def reopened_text(reopened: Reopening) -> str:
    """When it came back, and in which generation."""
    generation = f" in generation {reopened.generation}" if reopened.generation is not None else ""
    return f"reopened {local_time(reopened.at)}{generation}"


def difference_dict(each: Triaged) -> dict[str, Any]:
    """One difference for ``--json``."""
    cluster = each.cluster
    told = each.to_dict()
    for key in ("mark", "reopened"):
        if told[key] is not None:
            told[key]["at"] = iso_time(told[key]["at"])
    return {
        "id": cluster.id,
        "capability": cluster.capability,
        "route": cluster.route,
        "severity": cluster.weight.severity.value,
        "why": cluster.weight.why,
        "kind": cluster.kind,
        "where": cluster.where,
        "path": cluster.path,
        "shapes": cluster.shapes,
        "count": cluster.count,
        "first_seen": iso_time(cluster.first_seen),
        "last_seen": iso_time(cluster.last_seen),
        **told,
    }
