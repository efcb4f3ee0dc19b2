"""Why a handshake failed: with a client by a short list of reasons, with an upstream in words that say what to do."""

import ssl
from enum import StrEnum
from typing import Final

from stranglerfig.config.tls import UpstreamTls
from stranglerfig.tls.connection import NotAnnouncedError
from stranglerfig.tls.pem import PemError


class HandshakeFailure(StrEnum):
    """Why no connection with a client came about, as it is counted."""

    PLAIN_HTTP = "plain_http"  # a request without TLS
    NO_TLS = "no_tls"  # bytes that are neither
    VERSION = "version"  # TLS 1.1 or older
    CIPHER = "cipher"  # nothing that both know
    REFUSED = "refused"  # the client did not like the certificate, or us
    CLOSED = "closed"  # the client left
    TIMEOUT = "timeout"
    OTHER = "other"


_VERSION: Final = ("UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "TLSV1_ALERT_PROTOCOL_VERSION")
_CIPHER: Final = ("NO_SHARED_CIPHER", "NO_SUITABLE_KEY_SHARE", "NO_SHARED_SIGNATURE_ALGORITHMS", "NO_SHARED_GROUPS")  # fmt: skip
_NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "HTTPS_PROXY_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
    "BAD_RECORD_TYPE",
    "UNEXPECTED_MESSAGE",
    "PACKET_LENGTH_TOO_LONG",
)


def reason_of(error: Exception) -> HandshakeFailure:
    """Why a handshake with a client failed."""
    if not isinstance(error, ssl.SSLError):
        return HandshakeFailure.CLOSED if isinstance(error, OSError) else HandshakeFailure.OTHER
    reason = error.reason or ""
    if reason in _VERSION:
        return HandshakeFailure.VERSION
    if reason in _CIPHER:
        return HandshakeFailure.CIPHER
    if reason in _NO_TLS:
        return HandshakeFailure.NO_TLS
    if "_ALERT_" in reason:
        return HandshakeFailure.REFUSED
    return HandshakeFailure.OTHER


_EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 10, 62, 64  # X509_V_ERR_…, of OpenSSL's x509_vfy.h
_UNKNOWN_CA: Final = (18, 19, 20, 21)


def explain(error: Exception, tls: UpstreamTls, host: str) -> str:
    """Say what is wrong between us and an upstream, and what would mend it."""
    if isinstance(error, PemError):
        return str(error)
    name = tls.server_name or host
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}; {_mend(error, tls, name)}"
    if isinstance(error, NotAnnouncedError):
        return "it hung up during the TLS handshake; does it speak TLS, and on this port?"
    if not isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed: {error}"
    reason = error.reason or str(error)
    if reason in _NO_TLS:
        return f"it does not speak TLS ({reason}); write http:// if it should not"
    if "CERTIFICATE_REQUIRED" in reason or (
        "ALERT" in reason and "CERTIFICATE" in reason and tls.certificate is None
    ):
        return f"it wants a certificate of ours ({reason}); give tls.certificate and tls.key"
    return f"the TLS handshake failed: {reason}"


def _mend(error: ssl.SSLCertVerificationError, tls: UpstreamTls, name: str) -> str:
    if error.verify_code == _EXPIRED:
        return "renew it there"
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return f"it is not for {name}: name under tls.server_name what it is for, if that is the one you mean"
    if error.verify_code in _UNKNOWN_CA:
        known = (
            f"{tls.ca} is not who signed it" if tls.ca else "the system does not know who signed it"
        )
        return f"{known}: name that CA's certificate under tls.ca, and see that the upstream sends its whole chain"
    return "see the certificate: openssl s_client -connect HOST:PORT -showcerts"
