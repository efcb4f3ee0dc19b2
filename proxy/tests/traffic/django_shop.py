"""A Django shop in one file, run as a process: its first line is its port. Its argument is how it is wrong."""

import json
import sys
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template import engines
from django.urls import path

FLAW = sys.argv[1]
FORM = '<form method="post">{% csrf_token %}<input name="user"><input name="password" type="password"></form>'
CART: list[Any] = []


def log_in(request: HttpRequest) -> HttpResponse:
    if request.method == "POST" and request.POST["password"] == "secret":
        request.session["user"] = request.POST["user"]
        return HttpResponseRedirect("/cart/")
    return HttpResponse(engines["django"].from_string(FORM).render({}, request))


def cart(request: HttpRequest) -> HttpResponse:
    if "user" not in request.session:
        return HttpResponseRedirect("/login/")
    if request.method == "POST":
        line = json.loads(request.body)
        CART.append({**line, "quantity": str(line["quantity"])} if FLAW == "text" else line)
        return JsonResponse({"lines": len(CART)}, status=201)
    return JsonResponse({"user": request.session["user"], "lines": CART})


urlpatterns = [path("login/", log_in), path("cart/", cart)]
settings.configure(
    SECRET_KEY=f"of the tests {FLAW}",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    print(server.server_port, flush=True)  # noqa: T201 - who started it reads it
    server.serve_forever()
