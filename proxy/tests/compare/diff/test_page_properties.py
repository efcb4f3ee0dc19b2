"""Invariants of pages: equal is silent, both directions agree, and no single change escapes or is told in the wrong place."""

from collections import Counter
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stranglerfig.compare.diff.difference import Found, Kind
from stranglerfig.compare.diff.html.compare import diff_pages
from stranglerfig.compare.diff.html.node import Element, markup
from stranglerfig.compare.diff.html.page import read_page
from stranglerfig.compare.diff.path import template
from stranglerfig.compare.diff.shape import Shaper

WORDS = st.text("abc", min_size=1, max_size=3)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["class", "title", "lang", "href", "data-n"]), WORDS, max_size=2
)
TREES: st.SearchStrategy[Any] = st.recursive(
    WORDS,
    lambda inner: st.tuples(
        st.sampled_from(["div", "section", "span", "b", "ul"]),
        ATTRIBUTES,
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)
MIRROR = {Kind.MISSING: Kind.EXTRA, Kind.EXTRA: Kind.MISSING}
FRAGMENTS = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<b id=1>", "</b>", "<table>", "<td>", "</table>", "<form>", "</form>", "<input name=a>", "<a href=/x>",
         "</a>", "<select name=s>", "<option>", "</select>", "<script>", "</script>", "<pre>", " ", "\n", "x", "&lt;", "<", "\x00", "é",
         "<textarea>", "</textarea>", "<li>", "<!--", "-->", "<br>", '"', "="]
    ),
    max_size=25,
).map("".join)  # fmt: skip


def written(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    tag, attributes, children = tree
    given = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<{tag}{given}>{''.join(map(written, children))}</{tag}>"


def page(*trees: Any) -> str:
    return f"<body>{''.join(map(written, trees))}</body>"


def found(control: str, candidate: str) -> list[Found]:
    return list(diff_pages(read_page(control), read_page(candidate)))


@settings(max_examples=100)
@given(FRAGMENTS)
def test_whatever_is_no_page_is_read_and_equals_itself(text: str) -> None:
    assert found(text, text) == []


@settings(max_examples=60)
@given(FRAGMENTS, FRAGMENTS)
def test_hostile_pages_are_compared_and_every_value_has_a_shape(one: str, other: str) -> None:
    shaper = Shaper(b"k")
    for each in found(one, other):
        assert shaper.difference(each, lambda *_: False).template.startswith("$")


@settings(max_examples=60)
@given(TREES, TREES)
def test_both_directions_find_the_same_mirrored(one: Any, other: Any) -> None:
    there = found(page(one), page(other))
    back = found(page(other), page(one))
    assert Counter(MIRROR.get(each.kind, each.kind) for each in there) == Counter(
        each.kind for each in back
    )


def places(tree: Any, at: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    if isinstance(tree, str):
        return []
    return [at, *(place for n, child in enumerate(tree[2]) for place in places(child, (*at, n)))]


def changed(tree: Any, at: tuple[int, ...], change: Any) -> Any:
    if not at:
        return change(tree)
    tag, attributes, children = tree
    return (tag, attributes, [changed(child, at[1:], change) if n == at[0] else child for n, child in enumerate(children)])  # fmt: skip


def path_of(tree: Any, at: tuple[int, ...]) -> str:
    return f"$.body.{tree[0]}" if not at else f"$.body.{tree[0]}" + path_of(tree[2][at[0]], at[1:]).removeprefix("$.body")  # fmt: skip


@settings(max_examples=100)
@given(TREES, st.data())
def test_one_attribute_that_changes_is_one_difference_at_its_place(
    tree: Any, data: st.DataObject
) -> None:
    assume(not isinstance(tree, str))
    at = data.draw(st.sampled_from(places(tree)))
    mutant = changed(tree, at, lambda each: (each[0], {**each[1], "dir": "ltr"}, each[2]))
    (difference,) = found(page(tree), page(mutant))
    place = path_of(tree, at)
    assert (difference.kind, template(difference.steps)) == (Kind.EXTRA, f"{place}.@dir")
    (difference,) = found(page(mutant), page(tree))
    assert (difference.kind, template(difference.steps)) == (Kind.MISSING, f"{place}.@dir")


@settings(max_examples=100)
@given(TREES, st.data())
def test_one_element_that_is_put_in_is_one_difference_at_its_place(
    tree: Any, data: st.DataObject
) -> None:
    assume(not isinstance(tree, str))
    at = data.draw(st.sampled_from(places(tree)))
    mutant = changed(tree, at, lambda each: (*each[:2], [*each[2], ("h2", {}, ["new"])]))
    extra = [each for each in found(page(tree), page(mutant)) if each.kind is not Kind.VALUE]
    assert [(each.kind, template(each.steps)) for each in extra] == [
        (Kind.EXTRA, f"{path_of(tree, at)}.h2")
    ]


@settings(max_examples=100)
@given(TREES, st.data())
def test_one_text_that_changes_is_found(tree: Any, data: st.DataObject) -> None:
    assume(not isinstance(tree, str))
    at = data.draw(st.sampled_from(places(tree)))
    mutant = changed(tree, at, lambda each: (*each[:2], ["first", *each[2]]))
    assert found(page(tree), page(mutant))
    assert found(page(mutant), page(tree))


@settings(max_examples=60)
@given(TREES)
def test_a_page_that_is_written_out_reads_as_itself(tree: Any) -> None:
    read = read_page(page(tree))
    (html,) = read.children
    assert isinstance(html, Element)
    assert found(markup(html), page(tree)) == []
