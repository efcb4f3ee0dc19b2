"""Header values taken apart, so that what means the same compares as the same."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

from stranglerfig.compare.diff.placeholder import policy_with_placeholders

_PARAMETER = re.compile(r'([^\s;=]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;]*))')
_LIST_ITEM = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*"?)+')


def text(value: bytes) -> str:
    """Header bytes as text that keeps every byte."""
    return value.decode("latin-1").strip()


def media_type(value: bytes) -> tuple[str, dict[str, str]]:
    """Type and parameters of a ``Content-Type``, names in lower case; ``("", {})`` when there is none."""
    essence, _, rest = text(value).partition(";")
    params = {}
    for name, quoted, plain in _PARAMETER.findall(rest):
        params[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain.strip()
    return essence.strip().lower(), params


def list_items(values: Sequence[bytes]) -> list[str]:
    """The members of a comma-separated list over all its lines; commas inside quotes do not count."""
    joined = ",".join(map(text, values))
    return [item.strip() for item in _LIST_ITEM.findall(joined) if item.strip()]


def directives(values: Sequence[bytes]) -> dict[str, str]:
    """``max-age=60, public`` as ``{"max-age": "60", "public": ""}``; of a repeated one all values, sorted."""
    found: dict[str, list[str]] = {}
    for item in list_items(values):
        name, _, value = item.partition("=")
        found.setdefault(name.strip().lower(), []).append(value.strip().strip('"'))
    return {name: ",".join(sorted(values)) for name, values in found.items()}


def http_date(value: bytes) -> datetime | None:
    """An HTTP date, or ``None`` when it is none (``Expires: 0``)."""
    try:
        date = parsedate_to_datetime(text(value))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else None


def cookies(values: Sequence[bytes]) -> dict[str, dict[str, str]]:
    """``Set-Cookie`` lines by cookie name: attributes in lower case, and whether the value is ``empty`` or ``set``.

    Of one name with several domains or paths, which are cookies of their own, each further one has them behind its name.
    Not ``http.cookies``: it drops a cookie whose value or attribute it dislikes, and a browser does not.
    """
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for value in values:
        pair, *attributes = text(value).split(";")
        name, _, content = pair.partition("=")
        cookie = {}
        for attribute in attributes:
            key, _, setting = attribute.partition("=")
            if key.strip():
                cookie[key.strip().lower()] = setting.strip()
        cookie["value"] = "set" if content.strip(' "') else "empty"
        place = (name.strip(), cookie.get("domain", "").lower().lstrip("."), cookie.get("path", ""))
        found.pop(place, None)  # the last one holds
        found[place] = cookie
    by_name: dict[str, dict[str, str]] = {}
    for (name, domain, path), cookie in sorted(found.items(), key=lambda each: each[0]):
        by_name[f"{name} {domain}{path}" if name in by_name else name] = cookie
    return by_name


def policies(values: Sequence[bytes]) -> dict[str, str]:
    """Directives of ``Content-Security-Policy`` in lower case with their sources sorted, nonces as placeholders.

    Of a directive that a policy repeats the first holds; several policies hold all (CSP 3, sections 2.2.1 and 4.2).
    """
    found: dict[str, list[str]] = {}
    for value in values:
        one: dict[str, str] = {}
        for directive in policy_with_placeholders(text(value)).split(";"):
            name, _, sources = directive.strip().partition(" ")
            if name:
                one.setdefault(name.lower(), " ".join(sorted(set(sources.split()))))
        for name, listed in one.items():
            found.setdefault(name, []).append(listed)
    return {name: ", ".join(sorted(listed)) for name, listed in found.items()}


def mapped_url(value: bytes, *, public: tuple[str, str], own: str) -> str:
    """A URL with the ``public`` scheme and host, or the answering upstream's own address, replaced by a word.

    A redirect to ``http://host/login`` and one to ``/login`` lead a browser to the same page, if it asked by http; where it
    asked by https, the first leads it out of TLS. Without a scheme either is taken for the client's. An upstream that names
    its own address is as wrong as the other one that does, and not the same as one that does not.
    """
    url = text(value)
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    authority = parts.netloc.lower()
    scheme, host = public
    if authority and authority == host.lower():
        is_own = parts.scheme in ("", scheme) or not scheme
        left = ("", "") if is_own else (parts.scheme, "host")
        return urlunsplit((*left, parts.path or "/", parts.query, parts.fragment))
    if authority and authority == own.lower():
        return urlunsplit((parts.scheme, "upstream", parts.path, parts.query, parts.fragment))
    return url
