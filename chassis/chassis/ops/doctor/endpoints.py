"""Are the chassis' endpoints where the proxy and the services look for them?"""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.urls import get_resolver
from django.utils.translation import get_language

from chassis.ops.doctor.finding import Finding, ok, problem
from chassis.ops.doctor.proxy import Proxy
from chassis.ops.doctor.routes.matching import Matcher
from chassis.ops.doctor.routes.trials import Trials


def check_endpoints(proxy: Proxy | None) -> Iterator[Finding]:
    """The health endpoints, and the data channel where something is declared for it."""
    get_resolver().url_patterns  # noqa: B018  which raises what importing them raises
    with Trials() as trials:
        matcher = Matcher(None, get_language() or settings.LANGUAGE_CODE, trials)
        yield _mounted(matcher, "/_chassis/livez", "chassis.ops")
        if apps.is_installed("chassis.ownership"):
            from chassis.declaration import section

            for capability in section("OWNERSHIP")[0]:
                yield _mounted(matcher, f"/_chassis/ownership/{capability}", "chassis.ownership")


def _mounted(matcher: Matcher, path: str, app: str) -> Finding:
    name, urls = "endpoints", "the URLconf"
    mend = f'put path("_chassis/", include("{app}.urls")) before it'
    chain = matcher.first(path)
    if chain is None:
        return problem(
            name,
            f"nothing answers {path}",
            urls,
            f'add path("_chassis/", include("{app}.urls")) to urlpatterns',
        )
    view = str(getattr(getattr(chain[-1], "callback", chain[-1]), "__module__", "another view"))
    if view.startswith(f"{app}."):
        return ok(name, f"{path} is mounted", urls)
    return problem(name, f"{path} is answered by {view}", urls, mend)
