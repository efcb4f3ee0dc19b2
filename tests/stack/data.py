"""The databases that stacks begin with: made once, copied for each. SQLite files, or databases of a PostgreSQL server."""

import secrets
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from servers.postgresql import PostgreSQL

from stack.database import Database
from stack.process import REPOSITORY, manage

MONOLITH = REPOSITORY / "monolith" / "shopsmart"
SERVICE = REPOSITORY / "extracted" / "shopsmart" / "catalog"
PRODUCTS = 120


@dataclass(frozen=True)
class SeededData:
    """A seeded shop and an empty service, both migrated."""

    folder: Path
    server: PostgreSQL | None
    """None: files in `folder`."""
    prefix: str
    """Of the names that its databases have on the server."""

    @classmethod
    def make(
        cls, folder: Path, *, products: int = PRODUCTS, server: PostgreSQL | None = None
    ) -> "SeededData":
        """A few seconds: migrate both, seed the shop with so many products."""
        data = cls._named(folder, server)
        if server is not None:
            for name in ("monolith", "catalog"):
                server.create_database(f"{data.prefix}_{name}")
        shop = {"DATABASE_URL": data.monolith.url, "MEDIA_ROOT": str(data.media)}
        manage(MONOLITH, shop, "migrate", "--verbosity", "0")
        manage(MONOLITH, shop, "seed", "--products", str(products))
        manage(SERVICE, {"DATABASE_URL": data.service.url}, "migrate", "--verbosity", "0")
        return data

    @classmethod
    def _named(cls, folder: Path, server: PostgreSQL | None) -> "SeededData":
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, server, f"stack_{secrets.token_hex(4)}")

    def copy(self, folder: Path) -> "SeededData":
        """The same in another folder and other databases; on SQLite also while somebody uses this one."""
        other = self._named(folder, self.server)
        for name in ("monolith", "catalog"):
            if self.server is not None:
                self.server.create_database(f"{other.prefix}_{name}", like=f"{self.prefix}_{name}")
                continue
            with (
                closing(sqlite3.connect(self.folder / f"{name}.sqlite3")) as old,
                closing(sqlite3.connect(other.folder / f"{name}.sqlite3")) as new,
            ):
                old.backup(new)
        shutil.copytree(self.media, other.media, dirs_exist_ok=True)
        return other

    @property
    def monolith(self) -> Database:
        return self._database("monolith")

    @property
    def service(self) -> Database:
        return self._database("catalog")

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def _database(self, name: str) -> Database:
        if self.server is not None:
            return Database(self.server.url(f"{self.prefix}_{name}"))
        return Database(f"sqlite:///{self.folder / f'{name}.sqlite3'}")
