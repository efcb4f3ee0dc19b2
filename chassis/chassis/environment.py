"""Secrets come from the environment, or from a file that the environment names.

Imported by settings modules, so nothing here may touch Django's app registry or settings.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class Secret(str):
    """A string that does not show itself where settings and locals are printed (error pages, reports)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<secret>"


def read_secret(name: str, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The value of NAME, or the content of the file that NAME_FILE names; None when neither is set.

    White space around the value is dropped (an editor's last newline is no part of a secret); an empty value counts
    as not set. Raises ImproperlyConfigured when both are set, or the file can't be read.
    """
    environ = os.environ if environ is None else environ
    value, path = environ.get(name), environ.get(f"{name}_FILE")
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names {path}, which can't be read: {error}"
            ) from error
    value = (value or "").strip()
    return Secret(value) if value else None
