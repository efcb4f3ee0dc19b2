"""A test's two sides, opened when it begins."""

import unittest
from typing import Any

import pytest

from stranglerfig.traffic.parity.both import Both
from stranglerfig.traffic.parity.case import Case, read_request
from stranglerfig.traffic.parity.settings import Settings

_SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()


def open_both(request: pytest.FixtureRequest, marker: str) -> Both:
    """What the markers of a test say, those nearest to it first. Nothing is asked yet."""
    if isinstance(request.instance, unittest.TestCase):
        pytest.fail(
            "parity is for functions and plain classes: a unittest.TestCase is run without what asks for it",
            pytrace=False,
        )
    said: dict[str, Any] = {}
    texts: tuple[str, ...] = ()
    for mark in request.node.iter_markers(marker):
        said = {**mark.kwargs, **said}
        texts = texts or mark.args
    case = Case(**said)
    config = request.config
    settings = config.stash.setdefault(_SETTINGS, Settings(config))
    one = getattr(request, "param", texts[0] if texts else None)
    return Both(settings, case, None if one is None else read_request(one, case))
