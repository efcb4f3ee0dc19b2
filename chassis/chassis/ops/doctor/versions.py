"""Do Django, the chassis and the proxy fit each other?"""

from collections.abc import Iterator

import django

from chassis.ops.doctor.finding import Finding, ok, warning
from chassis.ops.doctor.proxy import API_VERSION, Proxy

OLDEST = (4, 2)
NEWEST = (5, 2)


def check_versions(proxy: Proxy | None) -> Iterator[Finding]:
    """Django's version; the proxy's, which `Proxy` has refused already if it can't be spoken to."""
    name = "versions"
    if OLDEST <= django.VERSION[:2] <= NEWEST:
        yield ok(name, f"Django {django.get_version()}")
    else:
        yield warning(
            name,
            f"Django {django.get_version()} is not what the chassis is tested with",
            "requirements",
            "use Django 4.2 to 5.2, or try everything on a copy first",
        )
    if proxy is not None:
        yield ok(name, f"proxy {proxy.running.version}, admin API {API_VERSION}", proxy.url)
