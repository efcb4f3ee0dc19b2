"""Runs Sphinx over the staged pages, strictly, and looks at what came out."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from guidebook.book import Book
from guidebook.site.assets import find_outside_assets
from guidebook.site.staging import Staging, stage

_CONFIG = Path(__file__).parent


class SiteError(Exception):
    """The site could not be built as it should be."""


def build_site(book: Book, out: Path) -> int:
    """Build the site into ``out`` and answer its number of pages. What stood there is replaced when all is well.

    Raises GuideError where a link leads nowhere, SiteError where Sphinx warns or a page would ask another host.
    """
    staging = stage(book)
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").exists():
        raise SiteError(f"{out} holds something else than a site; name another folder with --out")
    with tempfile.TemporaryDirectory(prefix="guide-site-") as temporary:
        source, built = Path(temporary, "source"), Path(temporary, "site")
        _write(staging, source)
        _run_sphinx(source, built, Path(temporary, "doctrees"))
        if outside := find_outside_assets(built):
            raise SiteError("these pages would ask another host:\n" + "\n".join(outside))
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(built, out)
    return len(staging.pages)


def _write(staging: Staging, source: Path) -> None:
    for name, text in staging.pages.items():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for name, file in staging.copied.items():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _run_sphinx(source: Path, built: Path, doctrees: Path) -> None:
    """In a process of its own: Sphinx changes loggers, warnings and docutils for the whole process."""
    command = [
        *(sys.executable, "-m", "sphinx", "--builder", "html", "--fail-on-warning", "--quiet"),
        *("--conf-dir", str(_CONFIG), "--doctree-dir", str(doctrees), str(source), str(built)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.replace(f"{source}/", "").strip()
        raise SiteError(f"Sphinx is not content with the pages:\n{said}")
