"""A URLconf as others write it: everything that Django allows, and what nobody should write."""

from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path, register_converter
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST


class YearConverter:
    regex = "[12][0-9]{3}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class NobodyConverter(YearConverter):
    """As one that looks things up in the database, and finds nothing."""

    def to_python(self, value: str) -> int:
        raise ValueError(value)


class FailingConverter(YearConverter):
    def to_python(self, value: str) -> int:
        raise RuntimeError("no database")


register_converter(YearConverter, "year4")
register_converter(NobodyConverter, "nobody")
register_converter(FailingConverter, "failing")


def page(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("page")


class Book(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("book")

    def put(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("put")


class Viewset:
    """What the REST framework's `as_view({"get": "list"})` leaves on a view."""

    @staticmethod
    def as_view(actions: dict[str, str]) -> Any:
        def view(request: HttpRequest, **_: Any) -> HttpResponse:
            return HttpResponse("viewset")

        view.actions = actions  # type: ignore[attr-defined]
        view.cls = View  # type: ignore[attr-defined]
        return view


def audited(view: Any) -> Any:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapper


class Callable:
    """An object as a view, without a name or anything else."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("object")


API = (
    [
        path("", Viewset.as_view({"get": "list", "post": "create"}), name="list"),
        path("<int:pk>/", audited(Book.as_view()), name="detail"),
        re_path(r"^(?P<pk>\d+)/(?P<part>cover|index)\.(?P<kind>[a-z]{3})$", page, name="part"),
    ],
    "books",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("_chassis/", include("chassis.ops.urls")),
    path("", page, name="home"),
    path("api/books/", include(API, namespace="api")),
    path("search/", require_http_methods(["GET", "POST"])(page), name="search"),
    path("basket/", csrf_exempt(audited(require_POST(page))), name="basket"),
    path("lambda/", lambda request: HttpResponse("lambda")),
    path("object/", Callable()),
    path("straße/<str:ort>/", page),
    path("100%/what?/", page),
    path("years/<year4:year>/", page),
    path("nobody/<nobody:who>/", page),
    path("failing/<failing:who>/", page),
    path("<slug:page>/", page, name="page"),
    path("late/", page, name="late"),
    re_path(r"^(?P<rest>files/.*)$", page, name="files"),
    re_path(r"unanchored-(?P<any>\w+)", page),
    re_path(r"^impossible(?!x)x/$", page),
    path("dots/../here/", page),
]
