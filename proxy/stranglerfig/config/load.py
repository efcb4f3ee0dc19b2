"""fig.yaml from the disk to a config: refused whole if there is a mistake, and then with all of them at once.

Three looks: the YAML; every key by itself; and what contradicts what, among the parts that are sound, so that one bad
key does not hide a capability's other mistakes.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from stranglerfig.config.model import Config
from stranglerfig.config.problem import ConfigError, Problem
from stranglerfig.config.references import Finding, find_contradictions, find_doubts
from stranglerfig.config.written import NAME
from stranglerfig.config.yaml_source import (
    Positions,
    dotted,
    path_of,
    problems_from_pydantic,
    read_yaml,
)
from stranglerfig.config.yaml_tree import KeyPath

MAX_BYTES: Final = 1024 * 1024
_STAND_IN: Final = "http://unreadable.invalid:9"
_MAY_BE_EMPTY: Final = ("capabilities", "trusted_proxies", "allow", "deny")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config that may be used, and the text it came from."""

    config: Config
    text: str
    digest: str
    """SHA-256 of the text in hex: two loads with the same digest hold the same bytes."""
    path: Path
    state_dir: Path
    """Absolute; a relative one in the file starts at the file."""
    positions: Positions
    warnings: tuple[Problem, ...]

    def place(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """What was found beside the file's own text, with its lines."""
        return tuple(_place(findings, self.positions, str(self.path)))


def load(path: str | Path) -> Loaded:
    """Read and check a file. Raises ConfigError with every mistake in it."""
    return parse(read_text(path), path)


def parse(text: str, path: str | Path) -> Loaded:
    """Check ``text`` as the content of ``path``. Raises ConfigError with every mistake in it."""
    file = str(path)
    data, positions = read_yaml(text, file)
    if data is None:
        raise _whole(file, "the file is empty", "run fig init --upstream URL in an empty directory")
    if not isinstance(data, dict):
        raise _whole(file, "the file holds no keys", "begin with upstreams:")
    folder = Path(path).absolute().parent
    config, problems = _validate(data, positions, file, folder)
    if config is None or problems:
        raise ConfigError(problems)
    return Loaded(
        config=config,
        text=text,
        digest=digest_of(text),
        path=Path(path),
        state_dir=folder / config.state_dir,
        positions=positions,
        warnings=tuple(_place(find_doubts(config), positions, file)),
    )


def digest_of(text: str) -> str:
    """What ``Loaded.digest`` is for this text."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_text(path: str | Path) -> str:
    """The text of a file, byte for byte (line ends are kept). Raises ConfigError."""
    file = str(path)
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a text is as good a path here
        if stat.S_ISDIR(mode):
            raise _whole(file, "this is a directory", f"name the file in it: {file}/fig.yaml")
        if not stat.S_ISREG(mode):
            raise _whole(file, "this is no regular file", "name a file on the disk")
        with Path(path).open("rb") as source:
            content = source.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _whole(
            file,
            "there is no such file",
            "name it with --config or FIG_CONFIG; run fig init --upstream URL if there is none yet",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _whole(
            file, f"the file cannot be read: {reason}", "look at the path and its rights"
        ) from None
    if len(content) > MAX_BYTES:
        raise _whole(file, "the file is larger than 1 MiB", "is it the right file?")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ConfigError(
            [Problem(file, line, column, "", "the file is not UTF-8", "save it as UTF-8")]
        ) from None


def state_dir_of_broken(path: str | Path) -> Path | None:
    """The state_dir that a file with mistakes means, as far as its own line can be read; None if the file can't be.

    For what must not wait until the file is mended. Nothing else in the file is believed.
    """
    try:
        lines = read_text(path).splitlines()
    except ConfigError:
        return None
    state_dir: str = Config.model_fields["state_dir"].default
    for line in lines:
        if line.startswith("state_dir:"):
            try:
                written = read_yaml(line, str(path))[0]["state_dir"]
            except ConfigError:
                return None
            if not isinstance(written, str) or not written:
                return None
            state_dir = written
    return Path(path).absolute().parent / state_dir


def _whole(file: str, message: str, mend: str) -> ConfigError:
    return ConfigError([Problem(file, 0, 0, "", message, mend)])


def _validate(
    data: dict[str, Any], positions: Positions, file: str, folder: Path
) -> tuple[Config | None, list[Problem]]:
    problems = [*_take_inner_keys(data, positions, file), *_empty_keys(data, positions, file)]
    config, bad = None, []
    try:
        config = _model(data, folder)
    except ValidationError as error:
        said = {problem.where for problem in problems}
        problems += [
            problem
            for problem in problems_from_pydantic(error, positions, file, Config)
            if problem.where not in said
        ]
        bad = [path_of(details) for details in error.errors(include_url=False)]
        config = _sound_part(data, bad, folder)
    if config is not None:
        findings = (
            finding
            for finding in find_contradictions(config)
            if not any(finding.path == path[: len(finding.path)] for path in bad)
        )
        problems += _place(findings, positions, file)
    return config, problems


def _model(data: Any, folder: Path) -> Config:
    context = {"written": True, "folder": folder}
    return Config.model_validate(data, by_alias=True, by_name=False, context=context)


def _sound_part(data: dict[str, Any], bad: Iterable[KeyPath], folder: Path) -> Config | None:
    """The config with what is wrong left out or stood in for; None if too little is left."""
    rest = deepcopy(data)
    upstreams: Any = rest.get("upstreams")
    capabilities: Any = rest.get("capabilities")
    for path in bad:
        match path:
            case ("capabilities", str(name), "routes", int(number), *_):
                if name in capabilities:
                    # In its place, so that the numbers of the others stay right.
                    capabilities[name]["routes"][number] = f"GET /unreadable/{name}/{number}"
            case ("capabilities", str(name)) | (
                "capabilities",
                str(name),
                "upstream" | "routes",
                *_,
            ):
                capabilities.pop(name, None)
            case ("capabilities", str(name), str(key), *_):
                capabilities.get(name, {}).pop(key, None)
            case ("upstreams", str(name), *_) if NAME.fullmatch(name):
                upstreams[name] = _STAND_IN
            case ("upstreams", str(name), *_):
                if name in upstreams:  # else it was wrong in two ways, and has its stand-in
                    _rename(rest, name, f"unreadable-{len(upstreams)}")
            case (str(key), *_):
                rest.pop(key, None)
    try:
        return _model(rest, folder)
    except ValidationError:
        return None


def _rename(data: dict[str, Any], name: str, stand_in: str) -> None:
    """Give an upstream a name that can be one, also where it is referred to: who refers to it makes no mistake."""
    del data["upstreams"][name]
    data["upstreams"][stand_in] = _STAND_IN
    capabilities = data.get("capabilities")
    others = capabilities.values() if isinstance(capabilities, dict) else ()
    for holder in (data, *others):
        for key in ("fallthrough", "upstream", "control"):
            if isinstance(holder, dict) and holder.get(key) == name:
                holder[key] = stand_in


def _empty_keys(
    data: Any, positions: Positions, file: str, path: KeyPath = ()
) -> Iterator[Problem]:
    """Keys without a value: a default would hide that something was forgotten."""
    entries: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        entries = data.items()
    elif isinstance(data, list):
        entries = enumerate(data)
    for key, value in entries:
        below = (*path, key)
        if value is None and key not in _MAY_BE_EMPTY:
            finding = Finding(below, "the key has no value", "give it one, or remove the key")
            yield from _place([finding], positions, file)
        else:
            yield from _empty_keys(value, positions, file, below)


def _take_inner_keys(
    data: Any, positions: Positions, file: str, path: KeyPath = ()
) -> Iterator[Problem]:
    """Take out keys in parentheses: models use such for what they take out of short forms, and would overwrite them."""
    if isinstance(data, list):
        for number, item in enumerate(data):
            yield from _take_inner_keys(item, positions, file, (*path, number))
    elif isinstance(data, dict):
        for key, value in list(data.items()):
            if key.startswith("("):
                del data[key]
                finding = Finding((*path, key), "the key is unknown", "remove it")
                yield from _place([finding], positions, file)
            else:
                yield from _take_inner_keys(value, positions, file, (*path, key))


def _place(findings: Iterable[Finding], positions: Positions, file: str) -> Iterator[Problem]:
    for finding in findings:
        line, column = positions.at(finding.path)
        yield Problem(file, line, column, dotted(finding.path), finding.message, finding.mend)
