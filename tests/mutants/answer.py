"""A recorded answer as operators see it: its text unpacked, and packed again as it was."""

import gzip
import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mutants.page import Page, read_page
from stranglerfig.compare.observation import RecordedResponse

JSON, HTML, TEXT, EMPTY = "json", "html", "text", "empty"
_MADE_ANEW = re.compile(r"csrfmiddlewaretoken|\snonce=")


@dataclass(frozen=True)
class Recorded:
    """One answer, and the request that it was given to."""

    asked: str
    response: RecordedResponse

    def header(self, name: bytes) -> bytes:
        """The first value of a header, or nothing."""
        return next((v for key, v in self.response.headers if key.lower() == name), b"")

    @cached_property
    def text(self) -> str:
        """The body, unpacked."""
        body = self.response.body
        return (gzip.decompress(body) if self._is_packed else body).decode()

    @cached_property
    def kind(self) -> str:
        """What its body is."""
        content_type = self.header(b"content-type")
        if not self.response.body:
            return EMPTY
        if b"json" in content_type:
            return JSON
        return HTML if content_type.startswith(b"text/html") else TEXT

    @cached_property
    def tree(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @cached_property
    def page(self) -> Page:
        """The body as a page."""
        return read_page(self.text)

    @property
    def has_tag_of_a_token(self) -> bool:
        """Whether its ETag is made from values that are new in each answer."""
        return self.kind == HTML and _MADE_ANEW.search(self.text) is not None

    def with_text(self, text: str) -> RecordedResponse:
        """The answer with another body, coded as this one."""
        body = text.encode("utf-8", "surrogatepass")
        return replace(self.response, body=gzip.compress(body) if self._is_packed else body)

    def with_tree(self, tree: Any) -> RecordedResponse:
        """The answer with another JSON body, written as the shop writes it."""
        return self.with_text(json.dumps(tree, ensure_ascii=False, separators=(",", ":")))

    @property
    def _is_packed(self) -> bool:
        return self.header(b"content-encoding") == b"gzip"
