"""Where the copy of a capability stands, as far as this service's own database tells."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.ownership.backfill.copying import uncopied
from chassis.ownership.backfill.lock import is_running
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.models import Orphan
from chassis.ownership.replica import Replica


@dataclass(frozen=True)
class Status:
    capability: str
    running: bool
    """Whether a `consume` holds the lock now."""
    cursor: str
    """What has been applied of the feed; empty: nobody has followed it."""
    incarnation: str
    to_copy: Sequence[str]
    """Tables that have not been copied whole since the copy began."""
    changes: int
    orphans: int
    """Rows left out because what they refer to is not in the source."""
    began_at: dt.datetime | None
    heard_at: dt.datetime | None
    applied_at: dt.datetime | None
    trouble: str
    trouble_at: dt.datetime | None

    @property
    def is_well(self) -> bool:
        """Whether it is followed, whole, and goes on."""
        return self.running and not self.trouble and not self.to_copy and bool(self.cursor)


def status_of(replica: Replica, targets: Sequence[Target]) -> Status:
    cursor = replica.found()
    orphans = Orphan.objects.using(replica.using).filter(capability=replica.capability)
    return Status(
        capability=replica.capability,
        running=is_running("consume", replica.capability, replica.using),
        cursor=cursor.cursor if cursor else "",
        incarnation=cursor.incarnation if cursor else "",
        to_copy=sorted(uncopied(replica, targets)),
        changes=cursor.changes if cursor else 0,
        orphans=orphans.values("table", "key").distinct().count(),
        began_at=cursor.began_at if cursor else None,
        heard_at=cursor.heard_at if cursor else None,
        applied_at=cursor.applied_at if cursor else None,
        trouble=cursor.trouble if cursor else "",
        trouble_at=cursor.trouble_at if cursor else None,
    )
