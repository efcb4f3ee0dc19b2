"""``python -m stranglerfig`` is the command ``fig``."""

from stranglerfig.cli.main import run

run()
