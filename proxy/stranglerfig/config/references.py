"""What one part of a config says against another: errors, and doubts that only ``fig check`` shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from stranglerfig.config.balancing import QueueLimits
from stranglerfig.config.conflicts import find_conflicts
from stranglerfig.config.model import Address, Capability, Config, Stage, Writes
from stranglerfig.config.yaml_tree import KeyPath

_EVERYWHERE: Final = ("0.0.0.0", "::")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or doubtful at ``path``."""

    path: KeyPath
    message: str
    mend: str


def find_contradictions(config: Config) -> Iterator[Finding]:
    """Everything that keeps ``config`` from being used."""
    if not config.upstreams:
        yield Finding(
            ("upstreams",), "there is no upstream", "add one: monolith: http://127.0.0.1:8100"
        )
    elif config.fallthrough is not None and config.fallthrough not in config.upstreams:
        yield _unknown(config, ("fallthrough",), config.fallthrough)
    yield from _addresses(config)
    for capability in config.capabilities.values():
        yield from _sides(config, capability)
    routes = [
        ((name, number), route)
        for name, capability in config.capabilities.items()
        for number, route in enumerate(capability.routes)
    ]
    for conflict in find_conflicts(routes):
        name, number = conflict.place
        yield Finding(("capabilities", name, "routes", number), conflict.message, conflict.mend)


def find_doubts(config: Config) -> Iterator[Finding]:
    """What may be used, but is seldom meant."""
    used = {config.fallthrough}
    for name, capability in config.capabilities.items():
        used |= {capability.upstream, capability.control}
        here = ("capabilities", name)
        if capability.stage is Stage.CANARY and capability.share == 0:
            yield Finding(
                (*here, "stage"),
                "a canary of 0 percent sends nobody to the service",
                "add percent: 1",
            )
        if (
            capability.writes is Writes.SERVICE
            and capability.stage.rank < Stage.CANARY.rank
            and any(route.may_be_safe for route in capability.routes)
        ):
            yield Finding(
                (*here, "writes"),
                "the service takes the writes while the monolith answers the reads, which will not show them",
                "set stage: service, or keep writes: monolith",
            )
        for number, route in enumerate(capability.routes):
            if route.stage is Stage.SERVICE:
                yield Finding(
                    (*here, "routes", number),
                    "stage: service on a route says nothing, for it only sets a limit",
                    "remove it",
                )
    for name, upstream in config.upstreams.items():
        if name not in used:
            yield Finding(("upstreams", name), "nothing uses this upstream", "remove it, or use it")
        if upstream.concurrency is None and upstream.queue != QueueLimits():
            yield Finding(
                ("upstreams", name, "queue"),
                "nobody waits where any number of requests goes at once",
                "add concurrency: 100, or remove it",
            )
        if (
            upstream.concurrency is not None
            and config.workers is not None
            and upstream.concurrency < config.workers
        ):
            yield Finding(
                ("upstreams", name, "concurrency"),
                f"each of the {config.workers} workers gets a place, so there are more than {upstream.concurrency}",
                f"write at least {config.workers}, or fewer workers",
            )


def _addresses(config: Config) -> Iterator[Finding]:
    if _meet(config.listen, config.admin):
        key = "admin" if "admin" in config.model_fields_set else "listen"
        message = f"listen {config.listen} and admin {config.admin} are the same address"
        yield Finding((key,), message, "give admin another port")
    for name, upstream in config.upstreams.items():
        for key, own in (("listen", config.listen), ("admin", config.admin)):
            for endpoint in upstream.endpoints:
                if _meet(own, Address(endpoint.host, endpoint.port)):
                    yield Finding(
                        ("upstreams", name),
                        f"{endpoint.authority} is the proxy's own {key} address, so requests would run in a circle",
                        "give the address of the application",
                    )


def _meet(own: Address, other: Address) -> bool:
    """Whether what is sent to ``other`` arrives at ``own``. Port 0 is chosen by the system and meets nothing."""
    if own.port != other.port or own.port == 0:
        return False
    if own.host == other.host or other.host in _EVERYWHERE:
        return True
    if own.host in _EVERYWHERE:
        return other.is_loopback
    return own.host in _LOOPBACK and other.host in _LOOPBACK


def _sides(config: Config, capability: Capability) -> Iterator[Finding]:
    here = ("capabilities", capability.name)
    if capability.upstream not in config.upstreams:
        yield _unknown(config, (*here, "upstream"), capability.upstream)
    if capability.control is not None and capability.control not in config.upstreams:
        yield _unknown(config, (*here, "control"), capability.control)
    control = config.control_of(capability)
    if control is None:
        yield Finding(here, "fallthrough is none, so nobody is its monolith", "add control: NAME")
    elif control == capability.upstream:
        key = "control" if capability.control else "upstream"
        yield Finding(
            (*here, key),
            f"{control} is both the monolith and the service of this capability",
            "name the upstream of the service",
        )


def _unknown(config: Config, path: KeyPath, name: str) -> Finding:
    message = f"there is no upstream {name!r}"
    if path == ("fallthrough",) and "fallthrough" not in config.model_fields_set:
        message = f"the default is {name!r}, and there is no such upstream"
    near = get_close_matches(name, config.upstreams, 1, 0.5)
    if near:
        return Finding(path, message, f"did you mean {near[0]}?")
    return Finding(path, message, f"add it under upstreams, or use {' or '.join(config.upstreams)}")
