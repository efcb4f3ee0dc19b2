"""What the commands of a service have in common: which capability, from where, into which database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandParser
from django.db import Error, ProgrammingError

from chassis.declaration import section
from chassis.environment import read_secret
from chassis.ownership.backfill.mapping import Target, database_of, declared_targets
from chassis.ownership.replica import Replica
from chassis.ownership.source.channel import Channel
from chassis.ownership.source.feed import Feed
from chassis.ownership.source.rows import Source


def add_arguments(parser: CommandParser) -> None:
    """CAPABILITY and --source."""
    parser.add_argument("capability", nargs="?", help="Needed when BACKFILL declares several.")
    parser.add_argument(
        "--source", metavar="URL", help="Where the monolith answers. Default: CHASSIS_SOURCE_URL."
    )


@dataclass(frozen=True)
class Copy:
    """The copy that a command works on."""

    targets: Sequence[Target]
    replica: Replica


def copy_of(given: str | None) -> Copy:
    """The copy of the capability, of the only one when none is given. Raises ImproperlyConfigured."""
    declared = list(section("BACKFILL")[0])
    if given is None and len(declared) != 1:
        known = ", ".join(declared) or "none"
        raise ImproperlyConfigured(f"say which capability: CHASSIS BACKFILL declares {known}")
    capability = given if given is not None else declared[0]
    targets = declared_targets(capability)
    return Copy(targets, Replica(capability, database_of(targets)))


def source_of(
    capability: str,
    url: str | None,
    on_retry: Callable[[str], None],
    delays_s: Sequence[float] | None = None,
) -> tuple[Source, Feed]:
    """The monolith's rows and feed. Raises ImproperlyConfigured, SourceError."""
    url = url or read_secret("CHASSIS_SOURCE_URL")
    if not url:
        raise ImproperlyConfigured(
            "say where the rows come from: --source URL, or CHASSIS_SOURCE_URL"
        )
    credential = read_secret("CHASSIS_CREDENTIAL")
    if credential is None:
        raise ImproperlyConfigured(
            "CHASSIS_CREDENTIAL (or CHASSIS_CREDENTIAL_FILE) is not set: it is what the monolith knows this "
            "service by, declared there in CHASSIS CALLERS"
        )
    channel = Channel(url, capability, credential, on_retry=on_retry, delays_s=delays_s)
    return Source(channel), Feed(channel)


def database_words(error: Error) -> str:
    """What to say when this service's own database can't be used."""
    words = f"this service's database: {error}"
    if isinstance(error, ProgrammingError) or "no such table" in str(error):
        words += ". Are its migrations applied (manage.py migrate)?"
    return words
