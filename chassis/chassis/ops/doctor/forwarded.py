"""Does Django learn from the proxy whether the client came by https?

The proxy speaks http to Django and says how the client came in `X-Forwarded-Proto`, which nobody can set past it. Where
that is not read, every request is taken for http: it is redirected to https without end, and forms are refused, whose
Origin says https. Either Django reads it, or the server that runs Django: gunicorn does, from the addresses in its
--forwarded-allow-ips. The server can't be seen from here, so its part is a warning.
"""

from collections.abc import Iterator

from django.conf import settings

from chassis.ops.doctor.finding import Finding, ok, problem, warning
from chassis.ops.doctor.proxy import Proxy

_NAME = "forwarded"
_SETTING = "settings SECURE_PROXY_SSL_HEADER"
_RIGHT = "HTTP_X_FORWARDED_PROTO"
_MEND = 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")'
_MEND_OR_SERVER = f"{_MEND}, unless the server reads it (gunicorn: --forwarded-allow-ips)"


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
        yield warning(
            _NAME,
            "behind the proxy every request looks like http to Django, and is redirected to https without end",
            "settings SECURE_SSL_REDIRECT",
            _MEND_OR_SERVER,
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
            _MEND_OR_SERVER,
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
