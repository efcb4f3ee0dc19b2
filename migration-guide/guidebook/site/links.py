"""Links of a page led to where their targets stand in the site."""

import os.path
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from guidebook.pages import Page
from guidebook.problem import Problem
from guidebook.repository import Repository
from guidebook.site.names import staged_name

_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|#|$", re.IGNORECASE)
_CODE = r"(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)"
# [words](target "title"), where the words may hold a picture
_LINK = (
    r"(?P<picture>!?)\[(?P<words>(?:[^\[\]]|!\[[^\[\]]*\]\([^()]*\))*)\]"
    r"\((?P<target>[^)\s]+)(?P<title>(?:\s+\"[^\"]*\")?)\)"
)
_CODE_OR_LINK = re.compile(f"{_CODE}|{_LINK}", re.DOTALL)


@dataclass
class Led:
    """A page's text with its links led on, which files it needs for that, and the links that lead nowhere."""

    text: str = ""
    needed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def lead_links(repository: Repository, page: Page, known: Collection[str] | None = None) -> Led:
    """Lead every link on. With ``known``, links to anything else are left as their words; pictures always come along."""
    led = Led()
    lines = {link.target: link.line for link in page.links}

    def lead(found: re.Match[str]) -> str:
        target = found["target"]
        if target is None or target not in lines or _OUTSIDE.match(target):
            return found[0]
        words = _CODE_OR_LINK.sub(lead, found["words"])
        path, _, anchor = target.partition("#")
        name = _resolve(repository, page.name, path)
        if name is None or (known is not None and not found["picture"] and name not in known):
            if known is None:
                led.problems.append(
                    Problem(page.name, lines[target], f"{target} leads nowhere", "mend the link")
                )
            return words
        led.needed.append(name)
        to = os.path.relpath(staged_name(name), PurePosixPath(staged_name(page.name)).parent)
        anchored = f"{to}#{anchor}" if anchor else to
        return f"{found['picture']}[{words}]({anchored}{found['title']})"

    led.text = _outside_fences(page, lead)
    return led


def _outside_fences(page: Page, lead: Callable[[re.Match[str]], str]) -> str:
    """The page with ``lead`` applied to its prose; as many lines as before."""
    lines = page.text.split("\n")
    parts: list[str] = []
    begun = 0
    for fence in page.fences:
        end = fence.line + len(fence.lines) + 1
        parts.append(_CODE_OR_LINK.sub(lead, "\n".join(lines[begun : fence.line - 1])))
        parts.append("\n".join(lines[fence.line - 1 : end]))
        begun = end
    parts.append(_CODE_OR_LINK.sub(lead, "\n".join(lines[begun:])))
    return "\n".join(parts)


def _resolve(repository: Repository, page: str, path: str) -> str | None:
    """The file or folder that a relative link names, as the repository calls it; a folder's README.md is the folder."""
    name = os.path.normpath(PurePosixPath(page).parent / path)
    if f"{name}/README.md" in repository.files:
        return f"{name}/README.md"
    is_folder = any(file.startswith(f"{name}/") for file in repository.files)
    return name if name in repository.files or is_folder else None
