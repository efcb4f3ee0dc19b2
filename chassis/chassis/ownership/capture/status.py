"""What `/_chassis/ownership/` and `/_chassis/readyz` tell about capture."""

from collections.abc import Iterator, Mapping

from chassis.ops.health import Check
from chassis.ownership.capture.install import declared_watches, faults, log_database
from chassis.ownership.capture.looks import Looker
from chassis.ownership.capture.readers import readers_of
from chassis.ownership.capture.reading import reading
from chassis.ownership.models import CaptureState
from chassis.ownership.tables import Capability, declared_capabilities


def status_of(capability: Capability) -> Mapping[str, object]:
    """Who owns the capability's tables, whether their changes are captured, who reads them and how far."""
    with reading(capability.name, ()) as now:
        captured = now.incarnation is not None and not faults(declared_watches(capability.name))
        sources = Looker(capability, now.using, 1).sources
        return {
            "capability": capability.name,
            "owner": "monolith",
            "captured": captured,
            "position": now.position if captured else None,
            "readers": readers_of(capability.name, now, sources) if captured else [],
        }


def readiness_checks() -> Iterator[tuple[str, Check]]:
    """For `chassis.ops`: one check, in projects that own something."""
    if declared_capabilities():
        yield "capture", _is_whole


def _is_whole() -> str | None:
    wrong = faults(declared_watches())
    if not wrong:
        known = CaptureState.objects.using(log_database()).values_list("capability", flat=True)
        missing = sorted(set(declared_capabilities()) - set(known))
        return f"{', '.join(missing)}: not begun; run manage.py capture" if missing else None
    watch, words = next(iter(wrong.items()))
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"{watch.table}: {words}{more}; run manage.py capture"
