"""The system at one step, read from its fig.yaml: who stands where, who answers, who is asked too."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from guidebook.pictures.drawing import Box, Picture
from guidebook.pictures.words import FILE, StepWords, Words
from guidebook.problem import GuideError, Problem
from stranglerfig.config.capability import Capability, Stage
from stranglerfig.config.load import load
from stranglerfig.config.model import Config
from stranglerfig.config.problem import ConfigError

SHOPPERS: Final = Box(230, 18, 180, 46)
PROXY: Final = Box(110, 106, 420, 124)
MOST_ROUTES: Final = 2
MONOLITH: Final = Box(20, 306, 200, 74)
COMPARER: Final = Box(262, 306, 116, 74)
SERVICE: Final = Box(420, 306, 200, 74)
MONOLITH_DATA: Final = Box(50, 440, 140, 74)
CONSUMER: Final = Box(246, 440, 148, 74)
SERVICE_DATA: Final = Box(450, 440, 140, 74)


@dataclass(frozen=True)
class Side:
    """A part of the system that answers: what it is called, and what it is."""

    name: str
    role: str


@dataclass(frozen=True)
class System:
    """What one picture shows. `capability` is None where nothing has been claimed."""

    step: StepWords
    monolith: Side
    has_proxy: bool
    service: Side | None
    capability: Capability | None


def read_system(fig_yaml: Path, name: str, step: StepWords, words: Words) -> System:
    """What a step leaves behind; messages call the file ``name``. Raises GuideError where that can't be drawn."""
    config = None if step.alone else _read(fig_yaml, name)
    capabilities = list(config.capabilities.values()) if config else []
    services = {capability.upstream for capability in capabilities}
    if len(capabilities) > 1:
        raise GuideError(
            Problem(name, 0, "it has several capabilities", "teach the picture to hold them")
        )
    if unnamed := services - words.names.keys():
        raise GuideError(
            Problem(
                name, 0, f"{unnamed.pop()} has no name for people", f"add it to names in {FILE}"
            )
        )
    return System(
        step=step,
        monolith=Side(*words.names["monolith"]),
        has_proxy=config is not None,
        service=Side(*words.names[services.pop()]) if services else None,
        capability=capabilities[0] if capabilities else None,
    )


def _read(fig_yaml: Path, name: str) -> Config:
    try:
        return load(fig_yaml).config
    except ConfigError as error:
        raise GuideError(
            *(
                Problem(name, mistake.line, mistake.message, mistake.mend)
                for mistake in error.problems
            )
        ) from error


def draw_system(system: System) -> str:
    """The picture of a step."""
    capability = system.capability
    described = " ".join(_sentences(system))
    picture = Picture(566 if _asks_too(capability) else 536, system.step.title, described)
    picture.box(SHOPPERS)
    picture.words((SHOPPERS.middle, SHOPPERS.centre + 5), "shoppers", "ink")
    if system.has_proxy:
        _draw_proxy(picture, capability)
    _draw_answers(picture, system)
    _draw_side(picture, MONOLITH, system.monolith, MONOLITH_DATA)
    if system.service:
        _draw_side(picture, SERVICE, system.service, SERVICE_DATA, is_service=True)
        _draw_consumer(picture)
    if capability and _asks_too(capability):
        _draw_comparer(picture, capability)
    return picture.svg()


def _asks_too(capability: Capability | None) -> bool:
    if capability is None or capability.stage is Stage.MONOLITH:
        return False
    return capability.stage is Stage.SHADOW or capability.compare


def _draw_proxy(picture: Picture, capability: Capability | None) -> None:
    picture.box(PROXY, kind="proxy")
    picture.words((PROXY.middle, PROXY.y + 28), "fig, the proxy", "on-proxy", bold=True)
    if capability is None:
        picture.words((PROXY.middle, PROXY.y + 76), "no capability claimed", "quiet-on-proxy")
        return
    lines = [route.text for route in capability.routes[:MOST_ROUTES]]
    if more := len(capability.routes) - len(lines):
        lines[-1] = f"and {more + 1} routes more"
    lines.append(f"stage: {capability.stage}")
    if capability.stage is Stage.CANARY:
        lines.append(f"percent: {capability.percent:g}")
    first = PROXY.y + 78 - 10 * (len(lines) - 1)
    picture.words((PROXY.middle, first), lines, "on-proxy", mono=True, size=14)


def _draw_answers(picture: Picture, system: System) -> None:
    if not system.has_proxy:
        start = (SHOPPERS.x + 40, SHOPPERS.bottom)
        picture.arrow((start, (MONOLITH.middle, MONOLITH.y)))
        picture.words((150, 180), "every request", "label", anchor="end")
        return
    picture.arrow(((SHOPPERS.middle, SHOPPERS.bottom), (SHOPPERS.middle, PROXY.y)))
    picture.words((SHOPPERS.middle + 12, 90), "every request", "label", anchor="start")
    picture.arrow(((MONOLITH.middle + 40, PROXY.bottom), (MONOLITH.middle, MONOLITH.y)))
    to_monolith, to_service = _shares(system.capability)
    picture.words((124, 258), to_monolith, "label", anchor="end", size=14)
    if to_service:
        picture.arrow(((SERVICE.middle - 40, PROXY.bottom), (SERVICE.middle, SERVICE.y)), "service")
        picture.words((512, 258), to_service, "label-service", anchor="start", size=14)


def _shares(capability: Capability | None) -> tuple[list[str], list[str]]:
    """What goes to the monolith, and what to the service."""
    match capability.stage if capability else Stage.MONOLITH:
        case Stage.CANARY:
            assert capability is not None
            rest = 100 - capability.percent
            return (
                ["all else, and", f"{rest:g} % of users"],
                ["these reads for", f"{capability.percent:g} % of users"],
            )
        case Stage.SERVICE:
            return ["all else"], ["these reads,", "for everybody"]
        case _:
            return ["everything"], []


def _draw_side(
    picture: Picture, box: Box, side: Side, data: Box, *, is_service: bool = False
) -> None:
    picture.box(box, line="service" if is_service else "edge")
    picture.words((box.middle, box.y + 32), side.name, "ink", bold=True)
    picture.words((box.middle, box.y + 54), side.role, "quiet", size=14)
    picture.arrow(((box.middle, box.bottom), (box.middle, data.y)), tip=False)
    picture.database(data, "service" if is_service else "edge")
    picture.words((data.middle, data.centre + 10), "its database", "quiet", size=14)


def _draw_consumer(picture: Picture) -> None:
    picture.box(CONSUMER, line="data")
    picture.words((CONSUMER.middle, CONSUMER.y + 32), "consume", "ink", mono=True, size=14)
    picture.words((CONSUMER.middle, CONSUMER.y + 54), "every change", "quiet", size=14)
    picture.arrow(((MONOLITH.right - 20, MONOLITH.bottom), (CONSUMER.x, CONSUMER.y + 22)), "data")
    picture.arrow(((CONSUMER.right, CONSUMER.centre), (SERVICE_DATA.x, CONSUMER.centre)), "data")


def _draw_comparer(picture: Picture, capability: Capability) -> None:
    picture.box(COMPARER, line="shadow", dashed=True)
    picture.words((COMPARER.middle, COMPARER.y + 32), "comparer", "ink", bold=True)
    picture.words((COMPARER.middle, COMPARER.y + 54), "not awaited", "quiet", size=14)
    picture.arrow(((COMPARER.middle, PROXY.bottom), (COMPARER.middle, COMPARER.y)), "shadow")
    picture.words((COMPARER.middle + 12, 270), "a copy", "label-shadow", anchor="start")
    middle = COMPARER.centre
    if capability.stage is not Stage.SERVICE:
        picture.arrow(((COMPARER.right, middle), (SERVICE.x, middle)), "shadow")
    if capability.stage is not Stage.SHADOW:
        picture.arrow(((COMPARER.x, middle), (MONOLITH.right, middle)), "shadow")
    note = "dashed: asked too, after the shopper has the answer; both answers compared"
    picture.words((320, 548), note, "label-shadow", size=14)


def _sentences(system: System) -> Iterator[str]:
    """The same for who hears the picture instead of seeing it."""
    monolith, capability = system.monolith.name, system.capability
    if not system.has_proxy:
        yield f"Shoppers reach {monolith}, {system.monolith.role}, which has one database."
        return
    yield "Shoppers reach the proxy fig."
    if system.service is None or capability is None:
        yield f"No capability is claimed: {monolith}, {system.monolith.role}, answers everything."
    else:
        service = system.service.name
        routes = ", ".join(route.text for route in capability.routes)
        yield f"The capability {capability.name} claims {routes} and is in stage {capability.stage}."
        yield {
            Stage.MONOLITH: f"{monolith} answers everything; {service} answers nobody.",
            Stage.SHADOW: f"{monolith} answers everything; {service} is asked too, not awaited, and both answers are compared.",
            Stage.CANARY: f"{service} answers {capability.percent:g} % of users, {monolith} the others and all else.",
            Stage.SERVICE: f"{service} answers everybody; {monolith} answers all else.",
        }[capability.stage]
        if capability.stage in (Stage.CANARY, Stage.SERVICE) and capability.compare:
            yield "The side that did not answer is asked too, not awaited, and both answers are compared."
    if system.service:
        yield f"{system.service.name} has a database of its own, which consume keeps up with every change."
