"""The error table has no gap."""

import re
from http import HTTPStatus
from pathlib import Path

import pytest

from stranglerfig.http1.failure import Failure, Phase, Side

NOBODY_LEFT = {Failure.CLIENT_STALLED}
STATUSES = {
    Side.CLIENT: {400, 404, 408, 413, 429, 431, 501, 505},
    Side.UPSTREAM: {502, 504},
    Side.PROXY: {503},
}


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_has_side_phase_text_and_a_status_that_fits(failure: Failure) -> None:
    assert isinstance(failure.phase, Phase)
    assert failure.text
    if failure in NOBODY_LEFT:
        assert failure.status is None
    else:
        assert failure.status in STATUSES[failure.side]
        assert HTTPStatus(failure.status).phrase


def test_a_time_out_of_an_upstream_is_504_and_its_other_failures_502() -> None:
    timeouts = {
        Failure.CONNECT_TIMEOUT,
        Failure.SEND_TIMEOUT,
        Failure.RESPONSE_TIMEOUT,
        Failure.BODY_STALLED,
    }
    upstream = {failure for failure in Failure if failure.side is Side.UPSTREAM}
    assert {failure for failure in upstream if failure.status == 504} == timeouts


def test_no_two_failures_are_one() -> None:
    assert len({failure.kind for failure in Failure}) == len(Failure.__members__)


def test_the_readme_lists_every_status_that_the_proxy_gives() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    table = readme.partition("## What it refuses")[2].partition("\n## ")[0]
    listed = {
        int(code) for row in re.findall(r"(?m)^\| ([\d, ]+) \|", table) for code in row.split(",")
    }
    assert listed == {failure.status for failure in Failure} - {None}
