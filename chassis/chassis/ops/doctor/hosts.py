"""Does Django answer for the names that clients ask the proxy by? The proxy passes Host on unchanged."""

from collections.abc import Iterator

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from chassis.ops.doctor.finding import Finding, ok, problem, warning
from chassis.ops.doctor.proxy import Proxy

_NAME = "hosts"
_WHERE = "settings ALLOWED_HOSTS"
_EVERYWHERE = ("0.0.0.0", "[::]")


def check_hosts(proxy: Proxy | None) -> Iterator[Finding]:
    """ALLOWED_HOSTS, beside the address on which the proxy listens."""
    allowed = list(settings.ALLOWED_HOSTS)
    if not allowed and settings.DEBUG:
        allowed = [".localhost", "127.0.0.1", "[::1]"]  # as Django does
    if not allowed:
        yield problem(
            _NAME,
            "every request is answered 400: no host is allowed",
            _WHERE,
            "name the site's hosts",
        )
        return
    if proxy is None:
        yield ok(_NAME, f"{len(allowed)} allowed", _WHERE)
        return
    host = split_domain_port(proxy.running.listen)[0]
    if host in _EVERYWHERE:
        yield ok(
            _NAME, f"the proxy listens on {host}: clients come by any name of this machine", _WHERE
        )
    elif validate_host(host, allowed):
        yield ok(_NAME, f"{host}, where the proxy listens, is allowed", _WHERE)
    else:
        yield warning(
            _NAME,
            f"who asks the proxy by http://{proxy.running.listen} is answered 400: {host} is not allowed",
            _WHERE,
            f"add {host!r}, unless everybody comes by another name",
        )
