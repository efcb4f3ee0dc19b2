"""Forms as data: where they are sent and how, and which fields hold what. Where a field stands on the page is no part of it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from stranglerfig.compare.diff.difference import ABSENT, BODY, Found, Kind
from stranglerfig.compare.diff.html.attribute import diff_attributes
from stranglerfig.compare.diff.html.node import (
    Attributes,
    Element,
    Node,
    elements,
    text_of,
)
from stranglerfig.compare.diff.path import Attribute, Field, Steps

_CONTROLS: Final = frozenset({"input", "select", "textarea", "button"})
_CHOICES: Final = frozenset({"checkbox", "radio"})
_METHODS: Final = frozenset({"post", "dialog"})


class _Option(NamedTuple):
    """One choice of a ``select``."""

    value: str
    label: str


class _Control(NamedTuple):
    """A field: what it holds, and what it offers."""

    element: Element
    attributes: Attributes
    options: list[_Option]
    selected: list[str]


class _Form(NamedTuple):
    """A form, and apart from it what stands around its fields."""

    attributes: Attributes
    fields: dict[str, list[_Control]]
    rest: Element


def diff_forms(one: Element, other: Element, steps: Steps) -> Iterator[Found]:
    """What differs between two forms but for the text and the elements around their fields."""
    ours, theirs = _read(one), _read(other)
    yield from diff_attributes(ours.attributes, theirs.attributes, steps)
    shared = [name for name in ours.fields if name in theirs.fields]
    if shared != [name for name in theirs.fields if name in ours.fields]:
        below = (*steps, Attribute("fields"))
        yield Found(Kind.ORDER, BODY, below, *(", ".join(each.fields) for each in (ours, theirs)))
    for name in dict.fromkeys((*ours.fields, *theirs.fields)):
        below = (*steps, Field(name))
        yield from _diff_field(ours.fields.get(name, []), theirs.fields.get(name, []), below)


def without_fields(form: Element) -> Element:
    """The form with all that is no field of it."""
    return _read(form).rest


def _diff_field(ours: list[_Control], theirs: list[_Control], steps: Steps) -> Iterator[Found]:
    """Fields of one name: buttons to choose from are known by their value, others by their place."""
    left, right = _by_choice(ours), _by_choice(theirs)
    for key in dict.fromkeys((*left, *right)):
        one, other = left.get(key), right.get(key)
        if one is not None and other is not None:
            yield from _diff_control(one, other, steps)
        elif one is not None:
            yield Found(Kind.MISSING, BODY, steps, one.element, ABSENT)
        elif other is not None:
            yield Found(Kind.EXTRA, BODY, steps, ABSENT, other.element)


def _diff_control(one: _Control, other: _Control, steps: Steps) -> Iterator[Found]:
    if one.element.tag != other.element.tag:
        yield Found(Kind.TYPE, BODY, steps, one.element, other.element)
        return
    yield from diff_attributes(one.attributes, other.attributes, steps)
    if one.selected != other.selected:
        chosen = (", ".join(each.selected) for each in (one, other))
        yield Found(Kind.VALUE, BODY, (*steps, Attribute("selected")), *chosen)
    if one.options != other.options:
        yield from _diff_options(one.options, other.options, (*steps, Attribute("options")))


def _diff_options(ours: list[_Option], theirs: list[_Option], steps: Steps) -> Iterator[Found]:
    left, right = dict(ours), dict(theirs)
    for value, label in left.items():
        if value not in right:
            yield Found(Kind.MISSING, BODY, steps, f"{value} ({label})", ABSENT)
        elif right[value] != label:
            yield Found(Kind.VALUE, BODY, steps, f"{value} ({label})", f"{value} ({right[value]})")
    for value, label in right.items():
        if value not in left:
            yield Found(Kind.EXTRA, BODY, steps, ABSENT, f"{value} ({label})")
    if [each for each in left if each in right] != [each for each in right if each in left]:
        yield Found(Kind.ORDER, BODY, steps, ", ".join(left), ", ".join(right))
    elif len(ours) != len(theirs) and left == right:  # one is there twice
        texts = (", ".join(each.value for each in side) for side in (ours, theirs))
        yield Found(Kind.SIZE, BODY, steps, *texts)


def _read(form: Element) -> _Form:
    fields: dict[str, list[_Control]] = {}
    rest = _apart(form, fields)
    # What is not said said: without a method it is sent by GET, without an action to its own page.
    attributes = {
        name: value for name, value in form.attributes.items() if (name, value) != ("action", "")
    }
    method = attributes.get("method", "").strip().lower()
    attributes["method"] = method if method in _METHODS else "get"
    return _Form(attributes, fields, rest)


def _apart(element: Element, fields: dict[str, list[_Control]]) -> Element:
    """The element without the controls that have a name and so are sent; those go into ``fields``."""
    children: list[Node] = []
    for child in element.children:
        if isinstance(child, str):
            children.append(child)
        elif child.tag in _CONTROLS and (name := child.attributes.get("name")):
            fields.setdefault(name, []).append(_control(child))
        else:
            children.append(_apart(child, fields))
    return Element(element.tag, element.attributes, children)


def _control(element: Element) -> _Control:
    attributes = {name: text for name, text in element.attributes.items() if name != "name"}
    options: list[_Option] = []
    selected: list[str] = []
    if element.tag == "select":
        found = [each for each in elements(element) if each.tag == "option"]
        options = [_option(each) for each in found]
        selected = [
            option.value
            for option, each in zip(options, found, strict=True)
            if "selected" in each.attributes
        ]
        if "multiple" not in attributes:
            selected = selected[-1:] or [each.value for each in options[:1]]  # as browsers choose
    elif element.tag == "textarea":
        attributes["value"] = "".join(each for each in element.children if isinstance(each, str))
    elif element.tag == "button":
        attributes["label"] = text_of(element)
    return _Control(element, attributes, options, selected)


def _option(element: Element) -> _Option:
    label = element.attributes.get("label") or text_of(element)
    return _Option(element.attributes.get("value", label), label)


def _by_choice(controls: list[_Control]) -> dict[tuple[str, int], _Control]:
    found: dict[tuple[str, int], _Control] = {}
    for each in controls:
        is_choice = each.attributes.get("type", "").lower() in _CHOICES
        key = each.attributes.get("value", "on") if is_choice else ""
        number = 0
        while (key, number) in found:
            number += 1
        found[key, number] = each
    return found
