"""Draws the seeded products' pictures: a still life of plain shapes for each shelf, two of each.

Drawn rather than stored, so that the repository holds no binaries and nobody's photographs.
"""

import colorsys
import io
from random import Random

from PIL import Image, ImageDraw

from shopsmart.catalog.seeding.plan import SEED

WIDTH_PX, HEIGHT_PX = 640, 480
# Drawn three times as large and scaled down: smooth edges without a drawing library that has them.
OVERSAMPLING = 3

Colour = tuple[int, int, int]


def draw_picture(*, shelf: str, number: int, hue: int) -> bytes:
    """The picture `number` of a shelf as WebP of a few kilobytes; the same bytes each time."""
    rng = Random(f"{SEED}:picture:{shelf}:{number}")  # noqa: S311
    width, height = WIDTH_PX * OVERSAMPLING, HEIGHT_PX * OVERSAMPLING
    around = (hue + rng.randint(-14, 14)) % 360
    picture = Image.new("RGB", (width, height), _colour(around, 0.93, 0.30))
    draw = ImageDraw.Draw(picture)

    sun = height * rng.uniform(0.28, 0.42)
    left = width * rng.uniform(0.1, 0.55)
    draw.ellipse(
        (left, height * 0.1, left + sun, height * 0.1 + sun), _colour(around + 25, 0.87, 0.55)
    )
    table = height * rng.uniform(0.70, 0.78)
    draw.rectangle((0, table, width, height), _colour(around - 15, 0.80, 0.22))

    count = rng.randint(3, 4)
    step = width * 0.8 / count
    for place in range(count):
        middle = width * 0.1 + step * (place + 0.5)
        colour = _colour(around + rng.choice((-35, -12, 0, 20, 170)), rng.uniform(0.38, 0.68), 0.42)
        _draw_vessel(draw, rng, middle, table + height * 0.06, step * 0.86, height * 0.5, colour)

    picture = picture.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BOX)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=80, method=2)
    return out.getvalue()


def _draw_vessel(
    draw: ImageDraw.ImageDraw,
    rng: Random,
    middle: float,
    bottom: float,
    widest: float,
    highest: float,
    colour: Colour,
) -> None:
    """A jar, an arch, a ball or a bottle that stands at (middle, bottom)."""
    half = widest * rng.uniform(0.30, 0.48)
    top = bottom - highest * rng.uniform(0.45, 1.0)
    match rng.randrange(4):
        case 0:
            draw.rounded_rectangle((middle - half, top, middle + half, bottom), half * 0.3, colour)
            lid = (middle - half * 0.8, top - half * 0.22, middle + half * 0.8, top + half * 0.05)
            draw.rounded_rectangle(lid, half * 0.1, _darker(colour))
        case 1:
            draw.rounded_rectangle(
                (middle - half, top, middle + half, bottom),
                half,
                colour,
                corners=(True, True, False, False),
            )
            inner = (middle - half * 0.5, top + half * 0.7, middle + half * 0.5, bottom)
            draw.rounded_rectangle(
                inner, half * 0.5, _darker(colour), corners=(True, True, False, False)
            )
        case 2:
            draw.ellipse((middle - half, bottom - 2 * half, middle + half, bottom), colour)
            band = (middle - half, bottom - 2 * half, middle + half, bottom)
            draw.chord(band, 20, 160, _darker(colour))
        case _:
            shoulder = bottom - (bottom - top) * 0.62
            neck = half * 0.34
            draw.rounded_rectangle((middle - neck, top, middle + neck, bottom), neck * 0.4, colour)
            draw.rounded_rectangle(
                (middle - half * 0.8, shoulder, middle + half * 0.8, bottom), half * 0.5, colour
            )
            body = bottom - shoulder
            label = (
                middle - half * 0.8,
                shoulder + body * 0.45,
                middle + half * 0.8,
                shoulder + body * 0.75,
            )
            draw.rectangle(label, _darker(colour))


def _colour(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(hue % 360 / 360, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _darker(colour: Colour) -> Colour:
    red, green, blue = colour
    return red * 82 // 100, green * 82 // 100, blue * 82 // 100
