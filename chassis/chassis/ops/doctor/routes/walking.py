"""Every pattern of a URLconf, in Django's order, whatever the URLconf is made of.

A URLconf is code that others wrote: including one can fail, a pattern's expression can be wrong, a view can be
anything. What fails is an entry with its trouble, and the walk goes on behind it.
"""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern
from django.utils.functional import Promise

from chassis.ops.doctor.routes.methods import Methods, methods_of


class UrlconfError(Exception):
    """The URLconf can't be imported; says why, and where."""


@dataclass(frozen=True)
class Entry:
    """One pattern: the resolvers that lead to it (without the root), and itself at the end."""

    chain: tuple[Any, ...]
    parts: tuple[str, ...]
    """What each of the chain is written as."""
    name: str
    view: str
    methods: Methods
    translated: bool
    trouble: str = ""

    @property
    def written(self) -> str:
        """The whole pattern as one would write it, with its first slash."""
        return "/" + "".join(self.parts)


def walk(urlconf: str | None = None) -> Iterator[Entry]:
    """Every pattern of `urlconf`, ROOT_URLCONF by default. Raises UrlconfError."""
    root = get_resolver(urlconf)
    try:
        patterns = root.url_patterns
    except Exception as error:
        raise UrlconfError(f"the URLconf can't be imported: {_raised(error)}") from error
    yield from _below(root, patterns, (), (), ())


def _below(
    resolver: Any,
    children: Any,
    chain: tuple[Any, ...],
    parts: tuple[str, ...],
    namespaces: tuple[str, ...],
) -> Iterator[Entry]:
    for child in children:
        own, mine = (*chain, child), (*parts, _written(child))
        if not is_resolver(child):
            yield _entry(child, own, mine, namespaces)
            continue
        if any(child is other for other in chain):
            yield _troubled(own, mine, "it includes itself, without end")
            continue
        try:
            below = list(child.url_patterns)
        except Exception as error:
            yield _troubled(own, mine, f"its patterns can't be read: {_said(error)}")
            continue
        namespace = getattr(child, "namespace", None)
        inside = (*namespaces, str(namespace)) if namespace else namespaces
        yield from _below(child, below, own, mine, inside)


def _entry(
    pattern: Any, chain: tuple[Any, ...], parts: tuple[str, ...], namespaces: tuple[str, ...]
) -> Entry:
    try:
        for one in chain:
            one.pattern.match("")
    except Exception as error:
        return _troubled(chain, parts, f"it can't be matched: {_said(error)}")
    try:
        methods = methods_of(pattern.callback)
    except Exception:
        methods = Methods(("GET", "POST"), False)
    name = getattr(pattern, "name", None)
    return Entry(
        chain,
        parts,
        ":".join((*namespaces, str(name))) if name else "",
        _view(pattern),
        methods,
        any(_is_translated(one) for one in chain),
    )


def _troubled(chain: tuple[Any, ...], parts: tuple[str, ...], trouble: str) -> Entry:
    return Entry(chain, parts, "", "", Methods((), False), False, trouble)


def _written(child: Any) -> str:
    try:
        text = str(child.pattern)
    except Exception as error:
        return f"({_said(error)})"
    return text.removeprefix("^")


def _view(pattern: Any) -> str:
    try:
        return str(pattern.lookup_str)
    except Exception:
        return type(getattr(pattern, "callback", None)).__name__


def _is_translated(child: Any) -> bool:
    pattern = getattr(child, "pattern", None)
    if isinstance(pattern, LocalePrefixPattern):
        return True
    written = getattr(pattern, "_route", None) or getattr(pattern, "_regex", None)
    return isinstance(written, Promise)


def _raised(error: Exception) -> str:
    """What it is, and the line that it was raised at; a SyntaxError names its own."""
    said = f"{type(error).__name__}: {_said(error)}"
    *_, last = traceback.extract_tb(error.__traceback__)
    is_code = not last.filename.startswith("<") and not isinstance(error, SyntaxError)
    return f"{said} ({last.filename}, line {last.lineno})" if is_code else said


def _said(error: Exception) -> str:
    """An error as one short line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 150 else f"{text[:149]}…"


def is_resolver(child: Any) -> bool:
    """Whether patterns stand below `child`; they are not read, for that may fail."""
    return hasattr(type(child), "url_patterns") or "url_patterns" in getattr(child, "__dict__", {})


def is_plain_resolver(child: Any) -> bool:
    """Whether `child` resolves as Django's own resolvers do, pattern first and children in order."""
    return isinstance(child, URLResolver) and type(child).resolve is URLResolver.resolve
