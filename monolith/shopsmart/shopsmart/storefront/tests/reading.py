"""Reads pages as a person does."""

import re

from django.contrib.messages import get_messages
from django.http import HttpResponse


def text(page: HttpResponse) -> str:
    """What a reader sees, without tags."""
    body = re.sub(r"<(script|style).*?</\1>", " ", page.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("&nbsp;", " ").split())


def said(response: HttpResponse) -> list[str]:
    """What the next page will tell."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def tag_of(page: HttpResponse, name: str) -> str:
    """The tag of the field with this name."""
    html = page.content.decode()
    return html[html.index(f'name="{name}"') :].partition(">")[0]
