"""Certificates made for one test: an authority, and what it signs."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate, or a chain of them, and its key, in PEM."""

    certificate: str
    key: str

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both as tools for renewal do: beside, and moved into place; the key first."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        for path, text in ((key, self.key), (certificate, self.certificate)):
            beside = path.with_suffix(".new")
            beside.write_text(text)
            beside.replace(path)
        return certificate, key


class Authority:
    """Signs certificates; ``above`` makes it an intermediate one."""

    def __init__(self, name: str = "an authority", above: "Authority | None" = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        signer = above or self
        self._certificate = (
            _builder(self._name, signer._name, self._key.public_key(), -1, 30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(signer._key, hashes.SHA256())
        )
        self._chain = "" if above is None else self.pem

    @cached_property
    def pem(self) -> str:
        """Its own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, *names: str, begins: float = -1, days: float = 30) -> Pair:
        """Make a certificate for host names and addresses, from ``begins`` days from now, for ``days`` days."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(names[0]), self._name, key.public_key(), begins, days)
            .add_extension(x509.SubjectAlternativeName([*map(_general, names)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return Pair(
            certificate.public_bytes(serialization.Encoding.PEM).decode() + self._chain,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
        )

    def trusting(self) -> ssl.SSLContext:
        """A client's context that believes this authority alone."""
        return ssl.create_default_context(cadata=self.pem)


def serving(folder: Path, pair: Pair, name: str = "server") -> ssl.SSLContext:
    """A server's context that shows ``pair``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair.write(folder, name))
    return context


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: float, days: float
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins * DAY)
        .not_valid_after(now + (begins + days) * DAY)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
