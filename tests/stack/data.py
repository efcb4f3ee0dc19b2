"""The databases that stacks begin with: made once, copied for each."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from stack.process import REPOSITORY, manage

MONOLITH = REPOSITORY / "monolith" / "shopsmart"
SERVICE = REPOSITORY / "extracted" / "shopsmart" / "catalog"
PRODUCTS = 120


@dataclass(frozen=True)
class SeededData:
    """A seeded shop and an empty service, both migrated."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, *, products: int = PRODUCTS) -> "SeededData":
        """A few seconds: migrate both, seed the shop with so many products."""
        folder.mkdir(parents=True, exist_ok=True)
        data = cls(folder)
        shop = {"DATABASE_URL": sqlite_url(data.monolith), "MEDIA_ROOT": str(data.media)}
        manage(MONOLITH, shop, "migrate", "--verbosity", "0")
        manage(MONOLITH, shop, "seed", "--products", str(products))
        manage(SERVICE, {"DATABASE_URL": sqlite_url(data.service)}, "migrate", "--verbosity", "0")
        return data

    def copy(self, folder: Path) -> "SeededData":
        """The same in another folder; safe while somebody uses this one."""
        folder.mkdir(parents=True, exist_ok=True)
        other = SeededData(folder)
        for source, target in ((self.monolith, other.monolith), (self.service, other.service)):
            with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
                old.backup(new)
        shutil.copytree(self.media, other.media, dirs_exist_ok=True)
        return other

    @property
    def monolith(self) -> Path:
        return self.folder / "monolith.sqlite3"

    @property
    def service(self) -> Path:
        return self.folder / "catalog.sqlite3"

    @property
    def media(self) -> Path:
        return self.folder / "media"


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"
