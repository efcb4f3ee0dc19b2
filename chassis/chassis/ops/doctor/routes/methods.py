"""Which methods a view takes, as far as it says so."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

# HEAD and OPTIONS go where the proxy sends the others of the same path.
_FOLLOWING = frozenset({"HEAD", "OPTIONS", "TRACE"})
_ASSUMED = ("GET", "POST")


class Methods(NamedTuple):
    names: tuple[str, ...]
    declared: bool
    """False: the view takes what comes, and the two that browsers send are asked for."""


def methods_of(callback: Callable[..., Any]) -> Methods:
    """What `callback` answers: by a viewset's actions, a class's handlers, or `require_http_methods`."""
    found = _declared(callback)
    if found is None:
        return Methods(_ASSUMED, False)
    names = sorted({name.upper() for name in found} - _FOLLOWING)
    # A view that takes OPTIONS or HEAD alone is still asked for.
    return Methods(tuple(names) or ("GET",), True)


def _declared(callback: Callable[..., Any]) -> set[str] | None:
    for layer in _layers(callback):
        limit = _required(layer)
        if limit is not None:
            return limit
    actions = getattr(callback, "actions", None)  # a viewset of the REST framework
    if isinstance(actions, dict) and actions:
        return {str(method) for method in actions}
    view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
    if view is None:
        return None
    allowed = getattr(view, "http_method_names", ())
    return {name for name in allowed if isinstance(name, str) and hasattr(view, name)}


def _layers(callback: Callable[..., Any]) -> Iterator[Any]:
    """The view and what its decorators wrap, the outermost first."""
    seen: set[int] = set()
    layer: Any = callback
    while layer is not None and id(layer) not in seen:
        seen.add(id(layer))
        yield layer
        layer = getattr(layer, "__wrapped__", None)


def _required(layer: Any) -> set[str] | None:
    """The list that `require_http_methods` keeps in its closure; it leaves no other trace."""
    names = getattr(getattr(layer, "__code__", None), "co_freevars", ())
    if "request_method_list" not in names:
        return None
    cell = layer.__closure__[names.index("request_method_list")]
    try:
        return {str(method) for method in cell.cell_contents}
    except (ValueError, TypeError):
        return None
