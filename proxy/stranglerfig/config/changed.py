"""What differs between two configs, key by key, as it stands in fig.yaml: no key is left out, whatever it is for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stranglerfig.config.capability import Route
from stranglerfig.config.model import Config
from stranglerfig.config.written import Written

_LONGEST_VALUE: Final = 100
_MOST_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """A key, or a whole entry, with another value. None: it is not there, and has no default."""

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def key(self) -> str:
        """The path as people write it: ``upstreams.catalog.timeouts.connect``."""
        return ".".join(self.path)

    def __str__(self) -> str:
        """One short line."""
        before, after = _shown(self.before, self.after), _shown(self.after, self.before)
        return f"{self.key}: {before} -> {after}"

    def to_dict(self) -> dict[str, Any]:
        """The change for ``--json``, its values in full."""
        return {"key": self.key, "before": self.before, "after": self.after}


def changed_keys(old: Config, new: Config) -> list[ChangedKey]:
    """Every key that differs, in the order of the model. An upstream, capability or route that is added is one change."""
    return list(_compare((), old, new))


def lines(changes: Iterable[ChangedKey]) -> tuple[str, ...]:
    """A line for each, as many as a log line or a status can do with."""
    told = [str(change) for change in changes]
    more = len(told) - _MOST_LINES
    return (*told[:_MOST_LINES], *([f"and {more} more"] if more > 0 else []))


def _compare(path: tuple[str, ...], old: Any, new: Any) -> Iterator[ChangedKey]:
    if old == new:  # most of a long file: taken apart only where it differs
        return
    before, after = _parts(old), _parts(new)
    if before is not None and after is not None:
        for key in {**before, **after}:
            yield from _compare(_below(path, key), before.get(key), after.get(key))
    elif (was := _written(old)) != (now := _written(new)):
        yield ChangedKey(path, was, now)


def _parts(value: Any) -> Mapping[str, Any] | None:
    """What is compared one by one; None: nothing, the value is one thing."""
    if isinstance(value, Written):
        return _keys(value)
    if isinstance(value, Mapping):
        return value
    if _are_routes(value):
        return {f"[{route.text}]": route for route in value}
    return None


def _keys(model: Written, *, with_defaults: bool = True) -> dict[str, Any]:
    """Every key that may be written for ``model``: models as they are, other values as they are written."""
    written = model.model_dump(mode="json")
    keys: dict[str, Any] = {}
    for short in model.short_keys:  # of which one stands for all
        if short in written:
            keys[model.short_keys[0]] = written[short]
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if info.exclude or str(info.validation_alias).startswith("("):
            continue
        if not with_defaults and model.has_default(name):
            continue
        is_deep = isinstance(value, Written | Mapping) or _are_routes(value)
        key = info.serialization_alias or name
        keys[key] = value if is_deep else written.get(key, value)
    return keys


def _are_routes(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Route)


def _written(value: Any) -> Any:
    """A value in its shortest form: of a model what is not as by default, None if that is nothing."""
    if _are_routes(value):
        return [_written(route) for route in value]
    if not isinstance(value, Written):
        return value
    keys = {key: _written(each) for key, each in _keys(value, with_defaults=False).items()}
    if keys and [*keys] == [*value.short_keys[:1]]:
        return keys[value.short_keys[0]]
    return keys or None


def _below(path: tuple[str, ...], key: str) -> tuple[str, ...]:
    return (*path[:-1], path[-1] + key) if key.startswith("[") else (*path, key)


def _shown(value: Any, other: Any) -> str:
    """``value`` beside ``other``; what both lists hold is left out of a long one."""
    text = _text(value)
    if len(text) > _LONGEST_VALUE and isinstance(value, list) and isinstance(other, list):
        known = set(map(_text, other))
        only = [each for each in map(_text, value) if each not in known]
        text = f"[{', '.join(['…', *only])}]"
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _text(value: Any) -> str:
    match value:
        case None:
            return "unset"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {_text(each)}' for key, each in value.items())}}}"
    text = str(value)
    return text if text.isprintable() else repr(text)
