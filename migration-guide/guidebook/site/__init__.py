"""Builds the guide as a site that can be searched and needs no network: pages as they are, staged for Sphinx.

Nothing here decides what a page says. What a page means (its fences, comments and links) is read in ``guidebook.pages``.
"""

from guidebook.site.build import SiteError, build_site

__all__ = ["SiteError", "build_site"]
