"""Pages on their way to the site: links lead on, blocks get titles, code stays as it is."""

from pathlib import Path

import pytest
from small_guide import SmallGuide

from guidebook.problem import GuideError
from guidebook.site.staging import Staging, stage


@pytest.fixture
def guide(tmp_path: Path) -> SmallGuide:
    return SmallGuide(tmp_path)


def staged(guide: SmallGuide, step: str) -> Staging:
    """The site's pages when the step says this."""
    guide.write("migration-guide/01-first/README.md", f"# 01 First\n\n{step}\n")
    guide.write("migration-guide/README.md", "# Road map\n\n## The end\n")
    return stage(guide.book())


def text_of(staging: Staging) -> str:
    """What became of the step, without its heading."""
    return staging.pages["01-first/index.md"].removeprefix("# 01 First\n\n").strip()


@pytest.mark.parametrize(
    ("written", "led"),
    [
        ("[all](../README.md)", "[all](../index.md)"),
        ("[all](..)", "[all](../index.md)"),
        ("[all](../README.md#the-end)", "[all](../index.md#the-end)"),
        ('[all](../README.md "the map")', '[all](../index.md "the map")'),
        ("[two\nlines](../README.md)", "[two\nlines](../index.md)"),
        ("[here](#the-end)", "[here](#the-end)"),
        ("[out](https://www.example.org/x)", "[out](https://www.example.org/x)"),
        ("`[all](../README.md)`", "`[all](../README.md)`"),
        ("```text\n[all](../README.md)\n```", "```text\n[all](../README.md)\n```"),
        ("```text\n`\n```\n[all](../README.md)", "```text\n`\n```\n[all](../index.md)"),
    ],
)
def test_a_link_leads_to_where_the_page_is_in_the_site(
    guide: SmallGuide, written: str, led: str
) -> None:
    # The link stands once outside of code, too, so that it is one of the page's.
    assert text_of(staged(guide, f"{written}\n\n[x](../README.md)")).startswith(led)


def test_a_file_of_the_repository_comes_along_as_a_page(guide: SmallGuide) -> None:
    guide.write("proxy/decide.py", 'FENCE = "```"\n')
    staging = staged(guide, "[how](../../proxy/decide.py)")
    assert text_of(staging) == "[how](../repository/proxy/decide.py.md)"
    page = staging.pages["repository/proxy/decide.py.md"]
    assert page == '# `proxy/decide.py`\n\n````python\nFENCE = "```"\n````\n'
    assert "proxy/decide.py" in staging.pages["repository.md"]


def test_of_a_page_that_came_along_only_links_to_known_pages_stay(guide: SmallGuide) -> None:
    guide.write(
        "docs/a.md",
        "# A\n\n[b](b.md) [c](c.md) [map](../migration-guide/README.md) ![d](d.svg)\n",
    )
    guide.write("docs/b.md", "# B\n")
    guide.write("docs/c.md", "# C\n")
    guide.write("docs/d.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    staging = staged(guide, "[a](../../docs/a.md) [b](../../docs/b.md)")
    assert staging.pages["repository/docs/a.md"] == (
        "# A\n\n[b](b.md) c [map](../../index.md) ![d](d.svg)\n"
    )
    assert "repository/docs/c.md" not in staging.pages
    assert set(staging.copied) == {"repository/docs/d.svg"}


def test_a_folder_is_its_readme_or_the_names_of_its_files(guide: SmallGuide) -> None:
    guide.write("compose/README.md", "# Compose\n")
    guide.write("tests/chaos/test_killed.py", "")
    staging = staged(guide, "[c](../../compose/) [t](../../tests/chaos)")
    assert (
        text_of(staging) == "[c](../repository/compose/index.md) [t](../repository/tests/chaos.md)"
    )
    assert "- `tests/chaos/test_killed.py`" in staging.pages["repository/tests/chaos.md"]


def test_every_link_that_leads_nowhere_is_named_with_its_line(guide: SmallGuide) -> None:
    with pytest.raises(GuideError) as refused:
        staged(guide, "[a](../nowhere.md)\n[b](/etc/passwd)\n[c](../../../x.md)")
    assert [(problem.line, problem.message) for problem in refused.value.problems] == [
        (3, "../nowhere.md leads nowhere"),
        (4, "/etc/passwd leads nowhere"),
        (5, "../../../x.md leads nowhere"),
    ]


def test_the_road_map_is_the_first_page_wherever_it_is_listed(guide: SmallGuide) -> None:
    guide.write(
        "migration-guide/guide.yaml",
        "- {page: 01-first/README.md, title: 01 First, kind: step}\n"
        "- {page: README.md, title: Road map, kind: reading}\n",
    )
    assert "\n01 First <01-first/index>\nRoad map <self>\n" in stage(guide.book()).pages["index.md"]


def test_what_a_site_cannot_be_made_of_is_refused(guide: SmallGuide) -> None:
    (guide.root / "seal.bin").write_bytes(b"\xff\xfe\x00")
    guide.write("migration-guide/01-first/README.md", "# 01 First\n\n[s](../../seal.bin)\n")
    guide.write(
        "migration-guide/guide.yaml", "- {page: 01-first/README.md, title: 01 First, kind: step}\n"
    )
    with pytest.raises(GuideError) as refused:
        stage(guide.book())
    assert [problem.message for problem in refused.value.problems] == [
        "it is no text",
        "the road map is missing",
    ]


@pytest.mark.parametrize(
    ("comment", "title"),
    [
        ("", "terminal main"),
        ("<!-- run: terminal=shop stays -->\n", "terminal shop · keeps running"),
        ("<!-- run: exit=1 -->\n", "terminal main · ends with 1"),
        ('<!-- run: skip="a browser" -->\n', "terminal main · not run by the test"),
        ("<!-- run: eventually=20s -->\n", "terminal main · ask again until it says so"),
    ],
)
def test_a_block_of_commands_is_titled_with_its_terminal(
    guide: SmallGuide, comment: str, title: str
) -> None:
    staging = staged(guide, f"{comment}```console\n$ fig status\nfine <n>\n```")
    assert text_of(staging) == (
        f"```{{code-block}} console\n:caption: {title}\n\n$ fig status\nfine <n>\n```"
    )


def test_a_quoted_block_is_titled_with_its_file_and_marks_vanish(guide: SmallGuide) -> None:
    staging = staged(
        guide,
        "<!-- mark: first-comparison -->\n\n- x\n\n  <!-- from: proxy/fig.yaml::upstreams -->\n  ```yaml\n  a: 1\n  ```",
    )
    assert text_of(staging) == (
        "- x\n\n  ```{code-block} yaml\n  :caption: proxy/fig.yaml · upstreams\n\n  a: 1\n  ```"
    )
