"""What a request gets that reached no view, or a view that broke: JSON under /api/, else a page.

A client of the API never has to read HTML to learn that it asked for the wrong thing. (With DEBUG
on, Django shows its own pages instead and comes by here for neither.)
"""

import math

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: `{"detail": …}` for API paths, the template 404.html for all others."""
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": "Not found."}, status=404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: `{"detail": …}` for API paths, the template 500.html for all others."""
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": "Something broke here. It was logged."}, status=500)
    return defaults.server_error(request)


def too_many_requests(request: HttpRequest, wait_s: float) -> HttpResponse:
    """429: the template 429.html, with `Retry-After`, for a form that was sent too often."""
    seconds = max(1, math.ceil(wait_s))
    minutes = math.ceil(seconds / 60)
    response = render(request, "429.html", {"seconds": seconds, "minutes": minutes}, status=429)
    response["Retry-After"] = str(seconds)
    return response
