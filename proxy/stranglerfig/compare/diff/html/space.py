"""White space as HTML shows it: runs are one space, and none at the edges of blocks (CSS Text 3, section 4.1).

Which elements are blocks is taken from the HTML standard's own style sheet; what a page's style sheets make of them is not
known here.
"""

import re
from typing import Final

BLOCKS: Final = frozenset(
    {
        *("html", "body", "head", "title", "address", "blockquote", "center", "dialog", "div", "figure", "figcaption"),
        *("footer", "form", "header", "hr", "legend", "listing", "main", "p", "plaintext", "pre", "search", "xmp"),
        *("article", "aside", "h1", "h2", "h3", "h4", "h5", "h6", "hgroup", "nav", "section"),
        *("dir", "dd", "dl", "dt", "menu", "ol", "ul", "li", "fieldset", "details", "summary", "br"),
        *("table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th"),
        *("optgroup", "option"),
    }
)  # fmt: skip
ATOMS: Final = frozenset(
    {
        *("audio", "button", "canvas", "embed", "iframe", "img", "input", "math", "meter", "object", "progress"),
        *("select", "svg", "textarea", "video"),
    }
)  # fmt: skip
"""What stands in a line as one sign does: a space before or behind it is seen."""
PREFORMATTED: Final = frozenset({"pre", "textarea", "listing", "xmp", "plaintext"})
UNSEEN: Final = frozenset({"script", "style"})

SPACES: Final = " \t\n\f\r"  # a no-break space is none
_RUN: Final = re.compile(r"[ \t\n\f\r]+")


def with_single_spaces(text: str) -> str:
    """Each run of white space as one space."""
    return _RUN.sub(" ", text)
