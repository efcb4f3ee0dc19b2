"""Headers that have a meaning of their own, each with its reader: what it says, part by part."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from stranglerfig.compare.diff.header_value import (
    cookies,
    directives,
    http_date,
    list_items,
    mapped_url,
    media_type,
    policies,
    text,
)


class Side(NamedTuple):
    """One answer's lines of one header, with what is needed to read them."""

    values: list[bytes]
    date: datetime | None
    scheme: str = ""
    host: str = ""
    own: str = ""


Parts = dict[str, str]
"""What a header says, part by part: ``""`` for the whole, ``[max-age]``, ``[sessionid].path``."""
_Reader = Callable[[Side], Parts]


def as_text(side: Side) -> Parts:
    """All lines as one text."""
    return {"": ", ".join(map(text, side.values))}


def _content_type(side: Side) -> Parts:
    essence, params = media_type(b", ".join(side.values))
    charset = params.get("charset")
    if charset is not None:
        params["charset"] = charset.lower()
    return {"": essence, **{f"[{name}]": value for name, value in params.items()}}


def _set_of_names(side: Side) -> Parts:
    return {f"[{name.lower()}]": name.lower() for name in list_items(side.values)}


def _set_of_methods(side: Side) -> Parts:
    return {f"[{name}]": name for name in list_items(side.values)}


def _directives(side: Side) -> Parts:
    return {
        f"[{name}]": f"{name}={value}" if value else name
        for name, value in directives(side.values).items()
    }


def _policy(side: Side) -> Parts:
    """Sources in any order, nonces as placeholders: they are new in each answer, and must be there."""
    found = policies(side.values).items()
    return {f"[{name}]": f"{name} {sources}".strip() for name, sources in found}


def _transport_security(side: Side) -> Parts:
    """Directives in any order (RFC 6797, 6.1)."""
    return _directives(side._replace(values=[b", ".join(side.values).replace(b";", b",")]))


def _url(side: Side) -> Parts:
    public = side.scheme, side.host
    return {"": ", ".join(mapped_url(url, public=public, own=side.own) for url in side.values)}


def _cookies(side: Side) -> Parts:
    parts: Parts = {}
    for name, attributes in cookies(side.values).items():
        parts[f"[{name}]"] = attributes.pop("value")
        expires = attributes.pop("expires", None)
        if expires is not None and "max-age" not in attributes:  # Max-Age wins (RFC 6265, 5.3)
            date = http_date(expires.encode("latin-1"))
            attributes["expires"] = "past" if date is not None and date.year <= 1970 else "later"
        for attribute, setting in attributes.items():
            value = setting.lower() if attribute == "samesite" else setting
            parts[f"[{name}].{attribute}"] = value
    return parts


def _instant(side: Side) -> Parts:
    date = http_date(side.values[0])
    return {"": text(side.values[0]) if date is None else date.isoformat()}


def _lifetime(side: Side) -> Parts:
    """``Expires`` in seconds after the answer's own Date, since both move with the clock."""
    date = http_date(side.values[0])
    if date is None or side.date is None:
        return {"": text(side.values[0])}
    seconds = (date - side.date).total_seconds()
    return {"": "past" if seconds <= 0 else f"in {seconds:.0f} s"}


READERS: Final[Mapping[str, _Reader]] = {
    "allow": _set_of_methods,  # a set (RFC 9110, 10.2.1)
    "cache-control": _directives,  # directives in any order (RFC 9111, 5.2)
    "content-location": _url,
    "content-security-policy": _policy,
    "content-security-policy-report-only": _policy,
    "content-type": _content_type,  # type and charset without case (RFC 9110, 8.3)
    "expires": _lifetime,
    "last-modified": _instant,  # three date formats are allowed (RFC 9110, 5.6.7)
    "location": _url,
    "permissions-policy": _directives,
    "set-cookie": _cookies,  # by name and attribute: values are secrets, and differ by right
    "strict-transport-security": _transport_security,
    "vary": _set_of_names,  # a set of names without case (RFC 9110, 12.5.5)
}
BY_MEMBER: Final = frozenset({"set-cookie", "vary", "allow", "cache-control"})
SINGLE: Final = frozenset({"content-type", "expires", "last-modified"})
"""Of which one line is read: a second one, which clients read as they like, is a difference of its own."""
