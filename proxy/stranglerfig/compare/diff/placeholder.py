"""Values made anew for each answer, to be sent back once: CSRF tokens of Django's forms, and nonces.

They say nothing about behaviour, but that they are there does. So the value is replaced and its place stays: a form that
lost its token still differs.
"""

import re
from collections.abc import Mapping
from typing import Final

FRESH: Final = "‹fresh›"
CSRF_FIELD: Final = "csrfmiddlewaretoken"
_CSRF_META: Final = frozenset({"csrf-token", "csrf_token", "csrfmiddlewaretoken"})
_TOKEN: Final = re.compile(r"[A-Za-z0-9]{32,64}")
_NONCE: Final = re.compile(r"[A-Za-z0-9+/_=-]{8,}")
_IN_A_POLICY: Final = re.compile(r"(?<='nonce-)[A-Za-z0-9+/_=-]{8,}(?=')")
# As Django writes them, which is found at the speed of a search for a word.
_USUAL: Final = (
    re.compile(r'(name="csrfmiddlewaretoken" value=")[A-Za-z0-9]{32,64}(?=")'),
    re.compile(r'( nonce=")[A-Za-z0-9+/_=-]{8,}(?=")'),
)
_MADE_ANEW: Final = re.compile(
    r"""name=(["']?)csrfmiddlewaretoken\1\s+value=["']?[A-Za-z0-9]{32,64}\b|\snonce=["']?[A-Za-z0-9+/_=-]{8,}""",
    re.IGNORECASE,
)


def fresh_attributes(tag: str, attributes: Mapping[str, str]) -> Mapping[str, str]:
    """The attributes of one element with ``‹fresh›`` in place of every such value."""
    name, place = attributes.get("name"), ""
    if tag == "input" and name == CSRF_FIELD:
        place = "value"
    elif tag == "meta" and name in _CSRF_META:
        place = "content"
    fresh = {}
    if place and _TOKEN.fullmatch(attributes.get(place, "")):
        fresh[place] = FRESH
    if _NONCE.fullmatch(attributes.get("nonce", "")):
        fresh["nonce"] = FRESH
    return {**attributes, **fresh} if fresh else attributes


def with_placeholders(html: str) -> str:
    """The text of a page with ``‹fresh›`` in place of such values as Django writes them."""
    for usual in _USUAL:
        html = usual.sub(rf"\g<1>{FRESH}", html)
    return html


def has_fresh_values(html: str) -> bool:
    """Whether the page holds such a value: then its ETag is made from it too."""
    if CSRF_FIELD not in html and "nonce=" not in html:
        return False
    return _MADE_ANEW.search(html) is not None


def policy_with_placeholders(policy: str) -> str:
    """A ``Content-Security-Policy`` with ``‹fresh›`` for its nonces."""
    return _IN_A_POLICY.sub(FRESH, policy)
