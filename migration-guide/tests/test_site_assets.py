"""What a page would load from another host is found, what it only links to is not."""

from pathlib import Path

import pytest

from guidebook.site.assets import find_outside_assets

OUTSIDE = {
    "script": '<script src="https://cdn.example/x.js"></script>',
    "scheme of the page": '<script src="//cdn.example/x.js"></script>',
    "style sheet": '<link rel="stylesheet" href="https://cdn.example/x.css">',
    "preconnect": '<link rel="preconnect" href="https://cdn.example">',
    "picture": '<img src="http://cdn.example/x.png" alt="">',
    "srcset": '<img src="x.png" srcset="https://cdn.example/x.png 2x" alt="">',
    "frame": '<iframe src="https://cdn.example/"></iframe>',
    "inline style": '<p style="background: url(https://cdn.example/x.png)">',
    "style element": "<style>@import 'https://cdn.example/x.css';</style>",
}
INSIDE = """
<link rel="stylesheet" href="_static/x.css"><link rel="canonical" href="https://guide.example/">
<script src="_static/x.js"></script><img src="data:image/png;base64,AA" alt="">
<a href="https://www.example.org/">elsewhere</a><code>https://cdn.example/x.js</code>
"""


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_would_be_loaded_from_elsewhere_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.html").write_text(f"<!doctype html>{OUTSIDE[name]}")
    [found] = find_outside_assets(tmp_path)
    assert found.startswith("a.html: ")
    assert "cdn.example" in found


def test_fonts_and_imports_of_style_sheets_are_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text('@font-face { src: url("https://fonts.example/a.woff2") }')
    assert find_outside_assets(tmp_path) == ["x.css: https://fonts.example/a.woff2"]


def test_a_page_of_its_own_is_content(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(INSIDE)
    (tmp_path / "x.css").write_text("a { background: url(x.png) url(data:image/png;base64,AA) }")
    assert find_outside_assets(tmp_path) == []
