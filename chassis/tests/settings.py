"""A small project to test with: a library that owns its books, and a reading room that copies them.

Both live in one process's settings; in the process tests each side is started with a database of its own.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import django

from chassis.environment import read_secret

SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "Europe/Helsinki"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "chassis.ops",
    "chassis.ownership",
    "chassis.inbox",
    "tests.archive",
    "tests.library",
    "tests.reading_room",
    "django.contrib.auth",
    "django.contrib.contenttypes",
]
MIDDLEWARE: list[str] = []

# Django knows these options from 5.1 on; the chassis does not need them.
_SQLITE_OPTIONS = (
    {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
    if django.VERSION >= (5, 1)
    else {}
)
_URL = urlsplit(os.environ.get("DATABASE_URL", ""))
if _URL.scheme == "postgresql":
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _URL.path.lstrip("/"),
            "USER": _URL.username or "",
            "PASSWORD": _URL.password or "",
            "HOST": _URL.hostname or "",
            "PORT": str(_URL.port or ""),
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": _URL.path or Path(__file__).with_name("unused.sqlite3"),
            "OPTIONS": {"timeout": 20} | _SQLITE_OPTIONS,
        }
    }

CHASSIS = {
    "OWNERSHIP": {
        "lending": {
            "tables": [
                {"model": "library.Shelf"},
                {"model": "library.Author"},
                {
                    "model": "library.Book",
                    "columns": [
                        "isbn",
                        "title",
                        "shelf",
                        {"author_name": "author.name"},
                        {"author_country": "author.country.name"},
                        "price",
                        "added_at",
                        "changed_at",
                    ],
                },
            ]
        },
        "archive": {
            "tables": [
                {
                    "model": "archive.Box",
                    "columns": ["label", "place", {"kind_title": "kind.title"}],
                },
                {"model": "archive.Slot"},
                {
                    "model": "archive.Letter",
                    "columns": [
                        "paper_ptr",
                        "title",
                        "sender",
                        "slot",
                        {"box_place": "slot.box.place"},
                        {"box_kind": "slot.box.kind.title"},
                    ],
                },
            ]
        },
    },
    "CALLERS": {
        "reading-room": {
            "credential": read_secret("READING_ROOM_CREDENTIAL") or "a-credential-for-tests-only",
            "capabilities": ["lending", "archive"],
        },
        "gate": {
            "credential": "a-third-credential-for-tests",
            "capabilities": ["lending"],
            "rights": ["status"],
        },
        "cellar": {"credential": "another-credential-for-tests", "capabilities": []},
    },
    "BACKFILL": {
        "lending": {
            "library_book": {
                "model": "reading_room.Book",
                "rename": {"author_name": "author"},
                "ignore": ["author_country"],
                "own": ["times_read"],
            },
            "library_shelf": "reading_room.Shelf",
        }
    },
}
