"""Turns EMAIL_URL into Django's mail settings: files to begin with, a mail server where there is one."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TIMEOUT_S = 10  # for each step of SMTP
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def mail_from_url(url: str, *, directory: Path) -> dict[str, Any]:
    """The settings `EMAIL_…` for `url`; a relative path starts at `directory`.

    Understands `file:mail` and `file:///var/mail/shop` (a folder), and `smtp://`, `smtp+tls://`
    (STARTTLS, and nothing without it) and `smtps://` (TLS from the start), each with
    `user:password@host:port`. Raises ImproperlyConfigured, never showing the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured("EMAIL_URL is no URL: check its host and port.") from error
    if parts.scheme == "file":
        if parts.netloc or not parts.path.strip("/"):
            raise ImproperlyConfigured(
                "EMAIL_URL for files names a folder: file:mail, or file:///var/mail/shop."
            )
        return {
            "EMAIL_BACKEND": "shopsmart.notifications.files.FileBackend",
            "EMAIL_FILE_PATH": directory / unquote(parts.path),
        }
    if parts.scheme in PORTS:
        if not parts.hostname or parts.path.strip("/") or parts.query:
            raise ImproperlyConfigured(
                f"EMAIL_URL names a mail server and nothing behind it: {parts.scheme}://host:port."
            )
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname,
            "EMAIL_PORT": port or PORTS[parts.scheme],
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
            "EMAIL_USE_SSL": parts.scheme == "smtps",
            "EMAIL_TIMEOUT": TIMEOUT_S,
        }
    raise ImproperlyConfigured(
        f"EMAIL_URL begins with {parts.scheme or 'nothing'}:, but the shop knows file:, smtp:, "
        "smtp+tls: and smtps: only."
    )
