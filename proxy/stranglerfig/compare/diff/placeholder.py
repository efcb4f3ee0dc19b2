"""Values made anew for each answer, to be sent back once: CSRF tokens of Django's forms, and nonces.

They say nothing about behaviour, but that they are there does. So the value is replaced and its place stays: a form that
lost its token still differs.
"""

import re
from typing import Final

_MADE_ANEW: Final = re.compile(
    r"""(?P<place>name=(["'])csrfmiddlewaretoken\2\s+value=(["'])(?=[A-Za-z0-9]{32,64}\3)"""
    r"""|\snonce=(["'])(?=[A-Za-z0-9+/_=-]{8,}\4))[A-Za-z0-9+/_=-]+"""
)


def with_placeholders(html: str) -> str:
    """The page with ``‹fresh›`` in place of every such value."""
    return _MADE_ANEW.sub(r"\g<place>‹fresh›", html)


def has_fresh_values(html: str) -> bool:
    """Whether the page holds such a value: then its ETag is made from it too."""
    return _MADE_ANEW.search(html) is not None
