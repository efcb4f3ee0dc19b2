"""How a bug gets into the shop from outside: a function is replaced by one that asks the switch first."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.template.backends.django import Template

from planted.site.switch import CHANGES, Change, is_on

PLANTED: set[str] = set()
"""The names of all that were planted."""


def instead_of(owner: Any, attribute: str, name: str) -> Callable[..., Any]:
    """Call the decorated function in place of `owner.attribute` while the bug is on; it gets the original first."""

    def plant(planted: Callable[..., Any]) -> Callable[..., Any]:
        original = getattr(owner, attribute)

        @wraps(original)
        def switched(*args: Any, **kwargs: Any) -> Any:
            if is_on(name):
                return planted(original, *args, **kwargs)
            return original(*args, **kwargs)

        setattr(owner, attribute, switched)
        PLANTED.add(name)
        return planted

    return plant


def in_head(name: str) -> Callable[[Change], Change]:
    """Let the decorated function change the head of every answer while the bug is on."""

    def plant(change: Change) -> Change:
        CHANGES[name] = change
        PLANTED.add(name)
        return change

    return plant


def in_template(template: str, name: str) -> Callable[..., Any]:
    """Let the decorated function change what a page's template gives while the bug is on."""

    def plant(change: Callable[[str], str]) -> Callable[[str], str]:
        @instead_of(Template, "render", name)
        def render(original: Callable[..., str], page: Any, *args: Any, **kwargs: Any) -> str:
            html = original(page, *args, **kwargs)
            return change(html) if page.origin.template_name == template else html

        return change

    return plant
