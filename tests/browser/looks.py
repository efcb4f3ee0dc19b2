"""How a page is looked at: dark on a telephone, light on a desk."""

from collections.abc import Iterator

from playwright.sync_api import Page, ViewportSize

SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 900},
    "wide": {"width": 1560, "height": 900},
}
# Colours that are on their way to others have a contrast that nobody reads by.
_AT_REST = "Promise.allSettled(document.getAnimations().map(each => each.finished)).then(() => 0)"


def looks(page: Page) -> Iterator[str]:
    """Turn a page that stands in one way into each of the others; gives what it is now."""
    for size, scheme in (("phone", "dark"), ("desktop", "light")):
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.evaluate(_AT_REST)
        yield f"{size}, {scheme}"
