"""The models of TLS: which certificates the proxy shows to clients, and by what it knows an upstream.

Files are named here and read elsewhere. A relative name starts at fig.yaml, and is whole from the moment it was read, since
every process has a working directory of its own.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from stranglerfig.config.mistake import mistake
from stranglerfig.config.scalar import is_host, refuse_control_characters
from stranglerfig.config.written import Written

PemPaths = tuple[str, ...]
"""The files that belong together: a certificate and its key, or CAs alone."""


def _read_path(value: Any, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not value:
        raise mistake(f"{value!r} is not a file", "write its path, such as tls/shop.pem")
    refuse_control_characters(value)
    folder = info.context.get("folder") if info.context else None
    return value if folder is None else str(Path(folder) / value)


PemPath = Annotated[str, BeforeValidator(_read_path)]
"""A PEM file; a relative path starts at fig.yaml."""


def _check_name(name: str) -> str:
    if not is_host(name):
        raise mistake(f"{name!r} is neither a host name nor an IP address", "write one")
    return name


class CertificateFiles(Written):
    """A certificate and its key."""

    certificate: PemPath = Field(
        description="PEM: the certificate, then those that it was signed by"
    )
    key: PemPath = Field(description="PEM: its private key, without a password")

    @property
    def paths(self) -> PemPaths:
        """Both, as they are read and replaced together."""
        return self.certificate, self.key


class ListenTls(CertificateFiles):
    """TLS for clients: which certificate they are shown."""

    others: tuple[CertificateFiles, ...] = Field(
        default=(), description="more of them, chosen by the name that a client asks for"
    )

    @property
    def all(self) -> tuple[CertificateFiles, ...]:
        """Every certificate; the first is for clients whose name none fits."""
        return self, *self.others


class UpstreamTls(Written):
    """TLS to an upstream with https: by what it is known."""

    ca: PemPath | None = Field(
        default=None,
        description="PEM: who signs its certificate; by default whom the system trusts",
    )
    server_name: Annotated[str, AfterValidator(_check_name)] | None = Field(
        default=None, description="the name that it must prove; by default the host in the URL"
    )
    certificate: PemPath | None = Field(
        default=None, description="PEM: our own certificate, where the upstream wants one"
    )
    key: PemPath | None = Field(
        default=None, description="PEM: its private key, without a password"
    )
    insecure_accept_any_certificate: bool = Field(
        default=False,
        strict=True,
        description="talk to whoever answers, verified by nothing: for a test, never for data",
    )

    @model_validator(mode="after")
    def _check(self) -> "UpstreamTls":
        if (self.certificate is None) != (self.key is None):
            missing = "certificate" if self.certificate is None else "key"
            raise mistake(f"has no {missing}", "write both certificate and key, or neither")
        if self.insecure_accept_any_certificate and (self.ca or self.server_name):
            raise mistake(
                "names what to verify, and that nothing is verified",
                "remove insecure_accept_any_certificate",
                ("insecure_accept_any_certificate",),
            )
        return self

    @property
    def ca_paths(self) -> PemPaths:
        """The file of its CAs, if it has its own."""
        return () if self.ca is None else (self.ca,)

    @property
    def own_paths(self) -> PemPaths:
        """The files of our own certificate for it, if it wants one."""
        if self.certificate is None or self.key is None:
            return ()
        return self.certificate, self.key
