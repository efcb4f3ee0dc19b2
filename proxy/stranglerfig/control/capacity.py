"""Whether the system lets the workers hold as many connections as fig.yaml says."""

import structlog

from stranglerfig.config.model import Config
from stranglerfig.server.places import UNBOUNDED, connections_within, descriptors, share_of

log = structlog.get_logger(__name__)


def compare_with_descriptors(config: Config) -> None:
    """Log it where each worker may open too few descriptors: a warning if the number was written by the user."""
    wanted = share_of(config.limits.connections, config.worker_count)
    allowed = descriptors()
    possible = connections_within(allowed)
    if possible >= wanted:
        return
    is_written = "connections" in config.limits.model_fields_set and wanted < UNBOUNDED
    say = log.warning if is_written else log.info
    say(
        "connections_bounded_by_descriptors",
        each_worker_can_hold=possible,
        limits_connections=config.limits.connections or "off",
        workers=config.worker_count,
        descriptors=allowed,
        mend="raise the limit of open files (ulimit -n, LimitNOFILE=), or lower limits.connections",
    )
