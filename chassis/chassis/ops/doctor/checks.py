"""All checks. Each is a function of the proxy (None when none is asked) that gives findings; none knows another."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from chassis.ops.doctor.database import check_databases
from chassis.ops.doctor.endpoints import check_endpoints
from chassis.ops.doctor.finding import Finding, problem
from chassis.ops.doctor.forwarded import check_forwarded
from chassis.ops.doctor.hosts import check_hosts
from chassis.ops.doctor.proxy import Proxy
from chassis.ops.doctor.routes.check import check_routes
from chassis.ops.doctor.versions import check_versions

Check = Callable[[Proxy | None], Iterable[Finding]]

CHECKS: Final[Mapping[str, Check]] = {
    "versions": check_versions,
    "databases": check_databases,
    "endpoints": check_endpoints,
    "hosts": check_hosts,
    "forwarded": check_forwarded,
    "routes": check_routes,
}


def examine(names: Iterable[str], proxy: Proxy | None) -> Iterator[Finding]:
    """Run these checks. One that fails is a problem of its own, and the others go on."""
    for name in names:
        try:
            yield from CHECKS[name](proxy)
        except Exception as error:
            yield problem(
                name,
                f"the check could not be made: {type(error).__name__}: {error}",
                "",
                "mend what the error names, and ask again",
            )
