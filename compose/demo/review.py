"""A shopper writes a review, and two people look for it at once: who wrote it, and a stranger.

    python -m demo.review --at http://127.0.0.1:8000 --shopper shopper007

The first product that the shopper has not reviewed is taken. Ends with 1 if the review was refused.
"""

import argparse
import sys
from dataclasses import dataclass

import requests

from demo.asking import Question, ask_for_certain
from demo.customers import Account
from demo.failure import DemoError
from demo.pages import API, CATALOG, SHOPPING

TITLE = "Just as it looks"
WRITTEN, REFUSED = 201, 400


@dataclass(frozen=True)
class Review:
    """What was written, and who found it right after that."""

    slug: str
    found_by_author: bool
    found_by_stranger: bool


def write_review(base: str, shopper: str) -> Review:
    """Write one, and look twice. Raises DemoError when none could be written."""
    ask = ask_for_certain(base)
    with requests.Session() as visitor, requests.Session() as stranger:
        account = Account(shopper, visitor, ask)
        # Who is logged in gets a CSRF token with a form, not with the catalogue's API.
        for product in account.get(f"{API}products/?page_size=100")["results"]:
            path = f"{API}products/{product['slug']}/reviews/"
            answer = account.post(
                path,
                {"rating": 5, "title": TITLE, "body": f"Says {shopper}."},
                frozenset({WRITTEN, REFUSED}),
            )
            if answer is not None and answer.status_code == WRITTEN:
                wanted = answer.json()["id"]
                return Review(
                    product["slug"],
                    _is_there(ask(visitor, Question(SHOPPING, path)), wanted),
                    _is_there(ask(stranger, Question(CATALOG, path)), wanted),
                )
    raise DemoError(f"{shopper} has reviewed every product on the first page")


def _is_there(answer: requests.Response | None, wanted: int) -> bool:
    return answer is not None and wanted in [each["id"] for each in answer.json()["results"]]


def main() -> int:
    """Write one; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.review",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--at", required=True, metavar="URL", help="where the shop answers")
    parser.add_argument("--shopper", default="shopper007", help="who writes it (shopper007)")
    given = parser.parse_args()
    try:
        review = write_review(given.at.rstrip("/"), given.shopper)
    except DemoError as failed:
        sys.stderr.write(f"error: {failed}\n")
        return 1
    sys.stdout.write(f"{given.shopper} wrote a review of {review.slug}\n")
    for who, found in (
        (f"{given.shopper} looks for it at once", review.found_by_author),
        ("a stranger looks for it at once", review.found_by_stranger),
    ):
        sys.stdout.write(f"  {who + ':':<34} {'it is there' if found else 'not there yet'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
