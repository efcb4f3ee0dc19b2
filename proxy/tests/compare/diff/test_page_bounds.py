"""What is made to be expensive is classed, or read without growing."""

import contextlib
from collections.abc import Callable

import pytest

from stranglerfig.compare.diff.body import diff_bodies
from stranglerfig.compare.diff.html.compare import MAX_FOUND, diff_pages
from stranglerfig.compare.diff.html.node import Element, Node
from stranglerfig.compare.diff.html.page import MAX_DEPTH, TooDeepError, read_page

HTML = b"text/html"


@pytest.mark.parametrize("opening", ["<div>", "<b>", "<svg>", "<table><tr><td>", "<form><p><i>"])
def test_a_page_that_is_too_deep_is_compared_as_text(opening: str) -> None:
    deep = opening * (MAX_DEPTH + 1)
    with pytest.raises(TooDeepError):
        read_page(deep)
    (found,) = diff_bodies(
        f"{deep}\nx".encode(), f"{deep}\ny".encode(), control_type=HTML, candidate_type=HTML
    )
    assert found.steps[-1] == (2,)  # the line


def repeated(part: str) -> Callable[[int], str]:
    return lambda count: "".join(part.replace("#", str(n)) for n in range(count))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(repeated("<b id=#><p>"), id="formatting that is never closed"),
        pytest.param(repeated("<p><b id=#><table><td></b></table></p>"), id="closed where it is not open"),
        pytest.param(lambda count: f"<p {repeated('a#=1 ')(count)}>", id="attributes"),
        pytest.param(lambda count: "<div>" * count + "</span>" * count, id="ends without a beginning"),
        pytest.param(repeated("<p>#"), id="paragraphs"),
        pytest.param(repeated("<"), id="no tag at all"),
    ],
)  # fmt: skip
def test_a_page_makes_no_more_elements_than_it_has_signs(make: Callable[[int], str]) -> None:
    """Readers that copy what was not closed make a million of twenty kilobytes."""
    page = make(4_000)
    made = 0
    with contextlib.suppress(TooDeepError):
        left: list[Node] = [read_page(page)]
        while left:
            node = left.pop()
            made += 1
            if isinstance(node, Element):
                made += len(node.attributes)
                left += node.children
    assert made <= len(page)


def test_a_page_that_was_replaced_is_told_in_a_bounded_number() -> None:
    one = "<ul>" + repeated("<li class=c#>one <b>#</b>")(4_000)
    other = "<ul>" + repeated("<li class=d#>other <i>#</i>")(4_001)
    pages = read_page(one), read_page(other)
    assert len(list(diff_pages(*pages))) == MAX_FOUND
