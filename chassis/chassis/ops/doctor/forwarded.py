"""Does Django learn from the proxy whether the client came by https?

The proxy speaks http to Django and says how the client came in `X-Forwarded-Proto`, which nobody can set past it. Where
Django does not read that, it takes every request for http: it redirects to https without end, and refuses forms, whose
Origin says https.
"""

from collections.abc import Iterator

from django.conf import settings

from chassis.ops.doctor.finding import Finding, ok, problem, warning
from chassis.ops.doctor.proxy import Proxy

_NAME = "forwarded"
_SETTING = "settings SECURE_PROXY_SSL_HEADER"
_RIGHT = "HTTP_X_FORWARDED_PROTO"
_MEND = 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")'


def check_forwarded(proxy: Proxy | None) -> Iterator[Finding]:
    """SECURE_PROXY_SSL_HEADER, and what depends on it."""
    header = settings.SECURE_PROXY_SSL_HEADER
    if header is None:
        yield from _without_header(proxy)
    elif header[0] == _RIGHT:
        yield from _with_header(proxy)
    else:
        name = header[0].removeprefix("HTTP_").replace("_", "-").title()
        yield problem(
            _NAME,
            f"the scheme is read from {name}, which the proxy does not set"
            + ("" if name.startswith("X-Forwarded-") else " and clients can"),
            _SETTING,
            _MEND,
        )


def _without_header(proxy: Proxy | None) -> Iterator[Finding]:
    if settings.SECURE_SSL_REDIRECT:
        yield problem(
            _NAME,
            "behind the proxy every request looks like http, and is redirected to https without end",
            "settings SECURE_SSL_REDIRECT",
            _MEND,
        )
    elif any(origin.startswith("https://") for origin in settings.CSRF_TRUSTED_ORIGINS):
        yield ok(
            _NAME,
            "https origins are trusted by CSRF_TRUSTED_ORIGINS",
            "settings CSRF_TRUSTED_ORIGINS",
        )
    elif proxy is not None and proxy.running.config["trusted_proxies"]:
        yield warning(
            _NAME,
            "something stands before the proxy; if it ends TLS, forms are refused: their Origin is https, and Django "
            "takes the request for http",
            _SETTING,
            _MEND,
        )
    else:
        yield ok(_NAME, "clients come by http: no scheme to be told", _SETTING)


def _with_header(proxy: Proxy | None) -> Iterator[Finding]:
    if proxy is not None and not proxy.running.config["trusted_proxies"]:
        yield warning(
            _NAME,
            "the proxy trusts nobody, so Django is always told http",
            "fig.yaml trusted_proxies",
            "name there what ends TLS before the proxy; if nothing does, the setting is not needed",
        )
    else:
        yield ok(_NAME, "the scheme is read from X-Forwarded-Proto", _SETTING)
