"""What a certificate says, and whether it may be shown: for who reads the files, before anybody relies on them."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from stranglerfig.config.tls import PemPaths
from stranglerfig.tls.contexts import Shown, server_context
from stranglerfig.tls.pem import PemError, Texts

_WHOLE = "is it whole? It should be written beside and moved into place"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says. Times are seconds since the epoch."""

    names: tuple[str, ...]
    """Host names and addresses, in lower case; ``*.`` before a name stands for one label."""
    begins_at: float
    expires_at: float

    def untimely(self, now: float) -> str | None:
        """Say why it is not valid now, if it is not."""
        if now >= self.expires_at:
            return f"has expired on {_day(self.expires_at)}"
        if now < self.begins_at:
            return f"is not valid before {_day(self.begins_at)}"
        return None


def read_pair(paths: PemPaths, texts: Texts) -> Facts:
    """Read a certificate with its key. Raises ``PemError`` if they can't be used, whatever the time is."""
    certificate = _certificates(paths[0], texts[0])[0]
    key_path = paths[1]
    try:
        key = load_pem_private_key(texts[1].encode(), None)
    except TypeError:
        raise PemError(
            key_path, "has a password", "write it without one: openssl pkey -in FILE"
        ) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PemError(key_path, f"holds no private key in PEM ({_line(error)})", _WHOLE) from None
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if certificate.public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        raise PemError(
            key_path, f"is not the key of {paths[0]}", "name the two that belong together"
        )
    facts = Facts(
        _names(certificate),
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
    )
    try:
        server_context([Shown(texts[0], texts[1], facts.names)])
    except (ssl.SSLError, ValueError) as error:
        raise PemError(
            paths[0], f"is refused by OpenSSL ({_line(error)})", "make a stronger one"
        ) from None
    return facts


def read_ca(paths: PemPaths, texts: Texts) -> None:
    """Look through the certificates of those who are believed. Raises ``PemError``."""
    _certificates(paths[0], texts[0])


def _certificates(path: str, text: str) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise PemError(path, f"holds no certificate in PEM ({_line(error)})", _WHOLE) from None
    if text.count("-----BEGIN CERTIFICATE-----") != text.count("-----END CERTIFICATE-----"):
        raise PemError(path, "ends within a certificate", _WHOLE)
    return found


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    hosts = [name.lower() for name in said.get_values_for_type(x509.DNSName)]
    return (*hosts, *map(str, said.get_values_for_type(x509.IPAddress)))


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %B %Y %H:%M UTC").lstrip("0")


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
