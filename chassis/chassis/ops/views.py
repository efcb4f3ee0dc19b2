"""The health endpoints. GET and HEAD, open, never cached."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from chassis.endpoint import internal
from chassis.ops.health import readiness


@internal
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all: restart it when this fails."""
    return JsonResponse({"status": "ok"})


@internal
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every check holds, else 503: send no traffic when this fails."""
    results = readiness()
    ready = all(result.ok for result in results)
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": {
            result.name: {
                "ok": result.ok,
                "detail": result.detail,
                "duration_ms": result.duration_ms,
            }
            for result in results
        },
    }
    return JsonResponse(body, status=200 if ready else 503)
