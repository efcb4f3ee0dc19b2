from collections.abc import Iterator

import pytest
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path

from shopsmart.urls import handler404, handler500  # noqa: F401 - Django looks them up here


def broken(request: HttpRequest) -> None:
    raise RuntimeError("broken")


urlpatterns = [path("api/broken/", broken), path("broken/", broken)]


@pytest.fixture
def stranger() -> Iterator[Client]:
    with override_settings(ROOT_URLCONF=__name__):
        yield Client(raise_request_exception=False)


@pytest.mark.parametrize(("where", "status"), [("nothing", 404), ("broken", 500)])
def test_the_api_fails_in_json(stranger: Client, where: str, status: int) -> None:
    answer = stranger.get(f"/api/{where}/")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json()) == {"detail"}


def test_a_page_that_breaks_is_a_page(stranger: Client) -> None:
    answer = stranger.get("/broken/")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/html")
