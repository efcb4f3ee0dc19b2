"""The colours of every picture, once for light and once for dark, as a style sheet that travels inside the SVG.

A picture paints its own ground, so it can be read wherever it is shown; `prefers-color-scheme` chooses which.
"""

from typing import Final, NamedTuple


class Shade(NamedTuple):
    """One colour in both schemes."""

    light: str
    dark: str


GROUND: Final = Shade("#f8fafc", "#0f172a")
BOX: Final = Shade("#ffffff", "#1e293b")
EDGE: Final = Shade("#64748b", "#94a3b8")
INK: Final = Shade("#0f172a", "#f1f5f9")
QUIET: Final = Shade("#475569", "#cbd5e1")
SERVICE: Final = Shade("#15803d", "#4ade80")
SHADOW: Final = Shade("#854d0e", "#fcd34d")
DATA: Final = Shade("#1d4ed8", "#93c5fd")
PROXY: Final = Shade("#14532d", "#14532d")
ON_PROXY: Final = Shade("#ffffff", "#ffffff")
QUIET_ON_PROXY: Final = Shade("#bbf7d0", "#bbf7d0")

# class -> (property, colour); text classes come with the ground they stand on, which a test holds them against.
FILLS: Final = {"ground": GROUND, "box": BOX, "proxy": PROXY}
TEXTS: Final = {
    "ink": (INK, BOX),
    "quiet": (QUIET, BOX),
    "label": (QUIET, GROUND),
    "label-ink": (INK, GROUND),
    "label-service": (SERVICE, GROUND),
    "label-shadow": (SHADOW, GROUND),
    "label-data": (DATA, GROUND),
    "on-proxy": (ON_PROXY, PROXY),
    "quiet-on-proxy": (QUIET_ON_PROXY, PROXY),
}
LINES: Final = {"edge": EDGE, "service": SERVICE, "shadow": SHADOW, "data": DATA}


def style_sheet() -> str:
    """The rules for both schemes, in a fixed order."""
    light = _rules(0)
    dark = _rules(1)
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _rules(scheme: int) -> str:
    rules = [f".{name} {{ fill: {shade[scheme]}; }}" for name, shade in FILLS.items()]
    rules += [f".{name} {{ fill: {shade[scheme]}; }}" for name, (shade, _) in TEXTS.items()]
    for name, shade in LINES.items():
        rules.append(f".line-{name} {{ stroke: {shade[scheme]}; }}")
        rules.append(f".tip-{name} {{ fill: {shade[scheme]}; }}")
    return "\n".join(rules)
