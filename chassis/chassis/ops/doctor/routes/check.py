"""What of the comparison between URLconf and fig.yaml is a finding: nearly all of it is just how things are."""

from collections.abc import Iterator

from chassis.ops.doctor.finding import Finding, ok, problem, warning
from chassis.ops.doctor.proxy import Proxy
from chassis.ops.doctor.routes.asking import Compared, compare, find_slow
from chassis.ops.doctor.routes.listing import summary
from chassis.ops.doctor.routes.slow import Slow

_NAME = "routes"


def check_routes(proxy: Proxy | None) -> Iterator[Finding]:
    """Patterns that can't be read; with a proxy also routes that lead nowhere, and the counts."""
    if proxy is None:
        entries, slow = find_slow()
        yield ok(_NAME, f"{len(entries)} patterns; no proxy was asked for them", "the URLconf")
        for entry in entries:
            if entry.trouble:
                yield _unreadable(entry.written, entry.trouble)
        yield from map(_slow, slow)
        return
    yield from findings(compare(proxy))


def findings(found: Compared) -> Iterator[Finding]:
    """The mistakes in a comparison that was made."""
    yield ok(_NAME, summary(found), "the URLconf")
    for verdict in found.verdicts:
        if verdict.entry.trouble:
            yield _unreadable(verdict.entry.written, verdict.entry.trouble)
    yield from map(_slow, found.slow)
    for stray in found.strays:
        yield warning(
            _NAME,
            f"{stray.route} of capability {stray.capability} leads nowhere: {stray.why}",
            "fig.yaml",
            "mend the route, unless the service brings something new",
        )


def _slow(slow: Slow) -> Finding:
    return warning(
        _NAME,
        f"{slow.says}, and any client can keep a worker busy with such a path",
        "the URLconf",
        r"rewrite it: a repetition inside another, as in ([\w-]+/?)+, is tried in every way there is",
    )


def _unreadable(written: str, trouble: str) -> Finding:
    return problem(
        _NAME, f"{written}: {trouble}", "the URLconf", "mend it: manage.py check says more"
    )
