"""Rates as they are written in settings: `10/m`, `10/15m`, `off`. Imported by the settings module."""

import re
from collections.abc import Iterable, Mapping

from django.core.exceptions import ImproperlyConfigured

RATE = re.compile(r"(?P<number>[1-9]\d*)/(?P<periods>[1-9]\d*)?(?P<unit>[smhd])\Z", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
OFF = "off"


def read_rate(text: str) -> tuple[int, int] | None:
    """`10/15m` as (10, 900); None for `off`. Raises ImproperlyConfigured."""
    if text == OFF:
        return None
    match = RATE.match(text)
    if match is None:
        raise ImproperlyConfigured(f"{text!r} is no rate: write 10/m, 10/15m, 100/h, or off.")
    return int(match["number"]), int(match["periods"] or 1) * SECONDS[match["unit"]]


def changed_rates(rates: Mapping[str, str], changes: Iterable[str]) -> dict[str, str]:
    """`rates` with what THROTTLES says, as in `api=6000/m,login=off`. Raises ImproperlyConfigured.

    `off` alone, first in the list, switches all of them off.
    """
    changed = dict(rates)
    for change in changes:
        scope, equals, rate = (part.strip() for part in change.partition("="))
        if (scope, equals) == (OFF, ""):
            changed = dict.fromkeys(changed, OFF)
            continue
        if scope not in rates or not equals:
            raise ImproperlyConfigured(
                f"THROTTLES: {change!r} is no limit. Write SCOPE=RATE, or off for all of them; the scopes are {', '.join(rates)}."
            )
        read_rate(rate)
        changed[scope] = rate
    return changed
