"""Faults in how a page is made: elements, links, forms, attributes."""

import re
from collections.abc import Callable
from html import escape
from itertools import pairwise
from random import Random

from mutants.answer import HTML, Recorded
from mutants.operator import operator
from mutants.page import Element, Page
from mutants.pool import Pool, kind_of
from stranglerfig.compare.observation import RecordedResponse

_SEEN_WITHOUT_TEXT = frozenset({"img", "input", "link", "meta", "use", "option"})
_ROWS = frozenset(
    {"li", "option", "tr", "dd", "p", "label", "fieldset", "article", "section", "td"}
)
_LISTS = frozenset({"ul", "ol", "select", "tbody", "dl", "fieldset"})
_KINDS = {"h1": "h2", "h2": "h3", "h3": "h2", "a": "span", "ul": "ol", "strong": "em", "p": "div"}
# What a browser does without them is another thing than with them.
_TELLING = frozenset(
    {"href", "src", "action", "name", "value", "for", "alt", "content", "rel", "required"}
    | {"checked", "selected", "disabled", "enctype", "maxlength", "min", "max", "aria-current"}
    | {"aria-label", "autocomplete", "datetime", "lang", "charset", "class", "id", "role"}
)
_DEFAULTS = frozenset({("class", ""), ("value", ""), ("alt", ""), ("autocomplete", "on")})
Place = tuple[Element, str]
Fault = Callable[[Page, Element, Random], str | None]


def _drops(element: Element) -> bool:
    return element.tag not in ("html", "head", "body") and (
        element.has_text or element.tag in _SEEN_WITHOUT_TEXT
    )


def _of_element(name: str, fits: Callable[[Element], bool]) -> Callable[[Fault], Fault]:
    """Register a fault that happens to one element that fits; it gives the new source, or None."""

    def register(fault: Fault) -> Fault:
        @operator(HTML, name)
        def mutate(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
            found = [element for element in answer.page.elements if fits(element)]
            chance.shuffle(found)
            for element in found:
                made = fault(answer.page, element, chance)
                if made is not None:
                    return answer.with_text(made)
            return None

        return fault

    return register


@_of_element("drop an element", _drops)
def _drop(page: Page, element: Element, chance: Random) -> str:
    return page.replaced(element.begin, element.end, "")


@_of_element("add an element", lambda e: e.tag in _ROWS and e.has_text)
def _add(page: Page, element: Element, chance: Random) -> str:
    return page.replaced(element.end, element.end, f"<{element.tag}>Lorem ipsum</{element.tag}>")


def _is_row(element: Element) -> bool:
    return element.tag in _ROWS | {"input"} and not element.is_token


@_of_element("duplicate an element", lambda e: _is_row(e) and not e.is_links)
@_of_element("duplicate a link", lambda e: _is_row(e) and e.is_links)
def _duplicate(page: Page, element: Element, chance: Random) -> str:
    return page.replaced(element.end, element.end, page.source_of(element))


def _of_neighbours(name: str, fits: Callable[[Element, Element], bool]) -> None:
    """Two children of an element, one after the other, change places."""

    @_of_element(name, lambda e: len(e.children) > 1 and e.tag not in ("html", "head", "svg"))
    def swap(page: Page, element: Element, chance: Random) -> str | None:
        pairs = [
            (one, other)
            for one, other in pairwise(element.children)
            if page.source_of(one) != page.source_of(other)
            and "script" not in (one.tag, other.tag)
            and fits(one, other)
        ]
        if not pairs:
            return None
        one, other = chance.choice(pairs)
        between = page.source[one.end : other.begin]
        return page.replaced(
            one.begin, other.end, page.source_of(other) + between + page.source_of(one)
        )


def _are_links(one: Element, other: Element) -> bool:
    return one.is_links or other.is_links


def _are_fields(one: Element, other: Element) -> bool:
    return not _are_links(one, other) and (one.has_field or other.has_field)


_of_neighbours(
    "reorder", lambda one, other: not (_are_links(one, other) or _are_fields(one, other))
)
_of_neighbours("reorder links", _are_links)
_of_neighbours("reorder fields", _are_fields)


@_of_element("empty list", lambda e: e.tag in _LISTS and bool(e.children))
def _empty(page: Page, element: Element, chance: Random) -> str:
    return page.replaced(element.inner, element.close, "")


def _has_kind(element: Element) -> bool:
    return element.tag in _KINDS and element.close > element.inner


@_of_element("retype", lambda e: _has_kind(e) and not e.is_links)
@_of_element("retype what holds links", lambda e: _has_kind(e) and e.is_links)
def _retype(page: Page, element: Element, chance: Random) -> str:
    opening = re.sub(rf"^<{element.tag}\b", f"<{_KINDS[element.tag]}", page.source_of(element))
    return page.replaced(
        element.begin,
        element.end,
        opening[: opening.rindex("</")] + f"</{_KINDS[element.tag]}>",
    )


def _of_attribute(name: str, fits: Callable[[Place], bool]) -> Callable[..., None]:
    """Register a fault of an attribute that says something; it gives the attribute as it is then written."""

    def register(fault: Callable[[str, str, Random, Pool], str | None]) -> None:
        @operator(HTML, name)
        def mutate(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
            found = [
                (element, key)
                for element in answer.page.elements
                for key, value in element.attributes.items()
                if key in _TELLING
                and (key, value) not in _DEFAULTS
                and not (element.is_token and key == "value")
                and fits((element, key))
            ]
            chance.shuffle(found)
            for element, key in found:
                value = element.attributes[key]
                made = fault(key, value, chance, pool)
                if made is not None:
                    return answer.with_text(_rewritten(answer.page, element, key, made))
            return None

    return register


def _rewritten(page: Page, element: Element, key: str, made: str) -> str:
    opening = page.source[element.begin : element.inner]
    pattern = re.compile(rf"""\s{re.escape(key)}(=("[^"]*"|'[^']*'|[^\s>]+))?(?=[\s/>])""")
    written = pattern.sub(lambda _: f" {made}" if made else "", opening, count=1)
    assert written != opening, (opening, key)
    return page.replaced(element.begin, element.inner, written)


def _has_value(place: Place) -> bool:
    return bool(place[0].attributes[place[1]])


@_of_attribute("drop an attribute", lambda place: True)
def _without(key: str, value: str, chance: Random, pool: Pool) -> str:
    return ""


@_of_attribute("change an attribute", _has_value)
def _changed(key: str, value: str, chance: Random, pool: Pool) -> str:
    return f'{key}="{escape(value)}-x"'


@_of_attribute("empty an attribute", _has_value)
def _emptied(key: str, value: str, chance: Random, pool: Pool) -> str:
    return f'{key}=""'


@_of_attribute(
    "wrong owner", lambda place: place[1] == "href" and bool(kind_of(place[0].attributes["href"]))
)
def _of_another(key: str, value: str, chance: Random, pool: Pool) -> str | None:
    other = pool.link(chance, value)
    return None if other is None else f'href="{escape(other)}"'


@_of_attribute(
    "off by one in a link",
    lambda place: (
        place[1] in ("href", "action", "value")
        and any(map(str.isdigit, place[0].attributes[place[1]]))
    ),
)
def _next_one(key: str, value: str, chance: Random, pool: Pool) -> str:
    return f'{key}="{escape(re.sub(r"[0-9]+", lambda n: str(int(n[0]) + 1), value, count=1))}"'
