"""Are the chassis' endpoints where the proxy and the services look for them?"""

from collections.abc import Iterator

from django.apps import apps
from django.urls import Resolver404, resolve

from chassis.ops.doctor.finding import Finding, ok, problem
from chassis.ops.doctor.proxy import Proxy


def check_endpoints(proxy: Proxy | None) -> Iterator[Finding]:
    """The health endpoints, and the data channel where something is declared for it."""
    yield _mounted("/_chassis/livez", "chassis.ops")
    if apps.is_installed("chassis.ownership"):
        from chassis.declaration import section

        for capability in section("OWNERSHIP")[0]:
            yield _mounted(f"/_chassis/ownership/{capability}", "chassis.ownership")


def _mounted(path: str, app: str) -> Finding:
    name, urls = "endpoints", "the URLconf"
    mend = f'put path("_chassis/", include("{app}.urls")) before it'
    try:
        found = resolve(path)
    except Resolver404:
        return problem(
            name,
            f"nothing answers {path}",
            urls,
            f'add path("_chassis/", include("{app}.urls")) to urlpatterns',
        )
    view = found.func.__module__
    if view.startswith(f"{app}."):
        return ok(name, f"{path} is mounted", urls)
    return problem(name, f"{path} is answered by {view}", urls, mend)
