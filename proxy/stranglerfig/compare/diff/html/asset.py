"""Names of files that hold a hash of their content, which is new with each release: ``app.3f2a9c.css``."""

import re
from collections.abc import Mapping
from typing import Final

_URLS: Final = frozenset({"href", "src", "srcset", "poster", "data-src", "imagesrcset"})
# Django and webpack write hexadecimal digits, Vite eight signs of base64url. One letter and one digit at least: a
# date (photo-20240101.jpg), a version (jquery-3.6.0.js) and a word (app-settings.js) are no hash.
_HASH: Final = re.compile(
    r"(?<=[.-])(?:(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{6,64}"
    r"|(?=[\w-]{0,7}[0-9])(?=[\w-]{0,7}[A-Z])(?=[\w-]{0,7}[a-z])[A-Za-z0-9_-]{8})"
    r"(?=(?:\.min)?\.[a-z][a-z0-9]{1,4}(?:\.map)?(?:[?#\s,]|$))",
    re.ASCII,
)
HASHED: Final = "‹hash›"


def with_asset_placeholders(attributes: Mapping[str, str]) -> Mapping[str, str]:
    """The attributes with ``‹hash›`` in place of every such hash: that there is one is compared."""
    found = {name: _HASH.sub(HASHED, attributes[name]) for name in attributes.keys() & _URLS}
    return {**attributes, **found} if found else attributes
