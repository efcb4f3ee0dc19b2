"""Pictures say what the steps' fig.yaml say, in the same bytes each time, and can be read."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from guidebook.pictures import draw_all, find_stale, write_all
from guidebook.pictures.palette import BOX, GROUND, LINES, TEXTS
from guidebook.problem import GuideError

SVG = "{http://www.w3.org/2000/svg}"
WORDS = """\
names:
  monolith: {name: ShopSmart, is: the monolith}
  catalog: {name: Catalogue, is: a service}
steps:
  00-alone: {title: Alone, does: nothing yet, alone: true}
  01-step: {title: A step, does: something}
later: [the rest]
"""
NOTHING_CLAIMED = "upstreams: {monolith: http://127.0.0.1:8100}\n"


def claimed(stage: str, more: str = "") -> str:
    return f"""\
upstreams: {{monolith: http://127.0.0.1:8100, catalog: http://127.0.0.1:8211}}
capabilities:
  catalog:
    upstream: catalog
    stage: {stage}
    percent: 12.5
    routes: [GET /api/catalog/**]
{more}"""


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    (tmp_path / "pictures.yaml").write_text(WORDS)
    (tmp_path / "01-step").mkdir()
    (tmp_path / "01-step/fig.yaml").write_text(NOTHING_CLAIMED)
    return tmp_path


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - drawn a moment ago by ourselves


def words_of(svg: str) -> list[str]:
    return [text.text or "" for text in parsed(svg).iter(f"{SVG}text")]


def drawn(guide: Path, fig_yaml: str) -> list[str]:
    (guide / "01-step/fig.yaml").write_text(fig_yaml)
    return words_of(draw_all(guide)["01-step.svg"])


COMPARED = {"comparer", "a copy"}
STAGES = {
    NOTHING_CLAIMED: ({"no capability claimed", "everything"}, {"Catalogue", *COMPARED}),
    claimed("monolith"): ({"stage: monolith", "everything", "Catalogue"}, COMPARED),
    claimed("shadow"): ({"stage: shadow", "everything", *COMPARED}, {"for everybody"}),
    claimed("canary"): ({"87.5 % of users", "12.5 % of users", "percent: 12.5", *COMPARED}, set()),
    claimed("canary", "    compare: false\n"): ({"12.5 % of users"}, COMPARED),
    claimed("service"): ({"all else", "for everybody", *COMPARED}, {"everything"}),
}


@pytest.mark.parametrize("fig_yaml", STAGES, ids=range(len(STAGES)))
def test_a_step_is_drawn_as_its_fig_yaml_says(guide: Path, fig_yaml: str) -> None:
    shown, hidden = STAGES[fig_yaml]
    words = set(drawn(guide, fig_yaml))
    assert shown <= words
    assert not hidden & words


def test_before_the_proxy_there_is_none(guide: Path) -> None:
    words = words_of(draw_all(guide)["00-alone.svg"])
    assert words == ["shoppers", "every request", "ShopSmart", "the monolith", "its database"]


def test_who_hears_a_picture_is_told_the_same(guide: Path) -> None:
    (guide / "01-step/fig.yaml").write_text(claimed("canary"))
    for name, svg in draw_all(guide).items():
        root = parsed(svg)
        description = root.findtext(f"{SVG}desc")
        assert root.findtext(f"{SVG}title"), name
        assert description, name
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == "title description"
        if name == "01-step.svg":
            assert "Catalogue answers 12.5 % of users, ShopSmart the others" in description


def test_a_picture_needs_nothing_but_itself(guide: Path) -> None:
    for svg in draw_all(guide).values():
        without_namespace = svg.replace('xmlns="http://www.w3.org/2000/svg"', "")
        for needed in ("http", "url(", "@import", "@font-face", "<script", "<image", "href"):
            assert needed not in without_namespace


def test_the_same_bytes_whatever_the_process(guide: Path) -> None:
    code = (
        "import sys, pathlib, hashlib; from guidebook.pictures import draw_all\n"
        "drawn = draw_all(pathlib.Path(sys.argv[1]))\n"
        "print(hashlib.sha256(repr(drawn).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(guide)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_what_is_not_as_drawn_now_is_stale_until_it_is_written(guide: Path) -> None:
    assert len(write_all(guide)) == len(draw_all(guide))
    assert find_stale(guide) == {}
    changed, missing, stray = (
        guide / "pictures" / name for name in ("01-step.svg", "stages.svg", "old.svg")
    )
    changed.write_text(changed.read_text().replace("everything", "nothing"))
    missing.unlink()
    stray.write_text("<svg/>")
    assert set(find_stale(guide)) == {changed, missing, stray}
    assert set(write_all(guide)) == {changed, missing, stray}
    assert find_stale(guide) == {}
    assert not stray.exists()


@pytest.mark.parametrize(
    ("fig_yaml", "line", "said"),
    [
        (claimed("shadows"), 5, "shadows"),
        ("", 0, "empty"),
        (claimed("shadow").replace("catalog:", "search:").replace("upstream: catalog", "upstream: search"), 0, "search has no name for people"),
    ],
)  # fmt: skip
def test_a_fig_yaml_that_cannot_be_drawn_is_named(
    guide: Path, fig_yaml: str, line: int, said: str
) -> None:
    with pytest.raises(GuideError) as refused:
        drawn(guide, fig_yaml)
    problem = refused.value.problems[0]
    assert (problem.file, problem.line) == ("migration-guide/01-step/fig.yaml", line)
    assert said in problem.message


def test_a_step_without_fig_yaml_is_named(guide: Path) -> None:
    (guide / "01-step/fig.yaml").unlink()
    with pytest.raises(GuideError, match=r"01-step/fig\.yaml: there is no such file"):
        draw_all(guide)


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("name", "scheme"), list(product(TEXTS, (0, 1))))
def test_words_stand_out_from_their_ground(name: str, scheme: int) -> None:
    ink, ground = TEXTS[name]
    assert contrast(ink[scheme], ground[scheme]) >= 4.5


@pytest.mark.parametrize(("name", "scheme"), list(product(LINES, (0, 1))))
def test_lines_stand_out_from_what_they_cross(name: str, scheme: int) -> None:
    for ground in (GROUND, BOX):
        assert contrast(LINES[name][scheme], ground[scheme]) >= 3
