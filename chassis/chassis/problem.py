"""Errors of the internal endpoints as application/problem+json (RFC 9457)."""

from http import HTTPStatus

from django.http import JsonResponse


class ProblemError(Exception):
    """A request that is answered with an error; `code` is stable, `detail` says what to do."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail

    def answer(self) -> JsonResponse:
        answer = JsonResponse(
            {
                "type": "about:blank",
                "title": self.status.phrase,
                "status": self.status.value,
                "code": self.code,
                "detail": self.detail,
            },
            status=self.status.value,
            content_type="application/problem+json",
        )
        answer["Cache-Control"] = "no-store"
        if self.status is HTTPStatus.UNAUTHORIZED:
            answer["WWW-Authenticate"] = 'Bearer realm="chassis"'
        return answer
