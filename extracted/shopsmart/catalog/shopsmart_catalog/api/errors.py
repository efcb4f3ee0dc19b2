"""What reached no view, or broke one: the shop's JSON."""

from django.http import HttpRequest, JsonResponse


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return JsonResponse({"detail": "Not found."}, status=404)


def broken(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"detail": "Something broke here. It was logged."}, status=500)
