"""Code that pages quote: found by its name in a file of the repository, compared, written."""

from guidebook.regions.find import RegionError, find_region
from guidebook.regions.quote import check_quotes, synced

__all__ = ["RegionError", "check_quotes", "find_region", "synced"]
