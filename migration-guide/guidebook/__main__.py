"""``python -m guidebook``: see ``guidebook.cli``."""

from guidebook.cli.main import run

run()
