"""What OpenSSL needs to know before a handshake: contexts, of which many connections are made.

Versions before TLS 1.2 are refused (RFC 8996), renegotiation is off, and HTTP/1.1 is the only protocol that is offered
(RFC 7301): ciphers are those that the system's OpenSSL takes.
"""

import hashlib
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from stranglerfig.config.tls import PemPaths, UpstreamTls
from stranglerfig.tls.pem import Pems, Texts, load_pair, read_pems

_PROTOCOLS: Final = ["http/1.1"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate for clients: its chain and key in PEM, and the names it is for, in lower case."""

    certificate: str
    key: str = field(repr=False)
    names: tuple[str, ...]

    def fits(self, name: str) -> bool:
        """Whether it is for ``name``, in lower case; a wildcard stands for one label (RFC 9525, 6.3)."""
        return name in self.names or f"*.{name.partition('.')[2]}" in self.names


def digest_of_certificates(shown: Sequence[Shown]) -> str | None:
    """A short name of what is shown, so that two processes can tell whether they show the same; None for nothing."""
    if not shown:
        return None
    return hashlib.sha256("".join(each.certificate for each in shown).encode()).hexdigest()[:16]


def server_context(shown: Sequence[Shown]) -> ssl.SSLContext:
    """One that shows the first that fits the name a client asks for, else the first. Raises as ``load_pair`` does."""
    contexts = [_serving(each) for each in shown]
    first = contexts[0]
    if len(shown) > 1:

        def choose(asked: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name is not None:
                for each, context in zip(shown, contexts, strict=True):
                    if each.fits(name.lower()):
                        asked.context = context
                        return

        first.sni_callback = choose
    return first


def pass_over_bad_names(unraisable: "sys.UnraisableHookArgs") -> None:
    """Say nothing of a name that a client asks for and that is not ASCII: its handshake fails, and is counted.

    A ``sys.unraisablehook``: ``ssl`` decodes the name before ``choose`` is called, and has nobody to tell. Whose error
    it is, is then the name itself; of a destructor, or a callback, it is what failed.
    """
    is_name = isinstance(unraisable.object, bytes)
    if not (is_name and isinstance(unraisable.exc_value, UnicodeDecodeError)):
        sys.__unraisablehook__(unraisable)


def _serving(shown: Shown) -> ssl.SSLContext:
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    load_pair(context, shown.certificate, shown.key)
    return context


def client_context(tls: UpstreamTls, ca: Texts, own: Texts) -> ssl.SSLContext:
    """One that believes ``ca``, or whom the system trusts, and shows ``own`` if asked. Raises as ``load_pair`` does."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if tls.insecure_accept_any_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca:
        context.load_verify_locations(cadata=ca[0])
        # Who is named is trusted, whether or not somebody stands above.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context.load_default_certs()
    if own:
        load_pair(context, *own)
    return context


def _context(side: int) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(_PROTOCOLS)
    return context


class ClientContexts:
    """Those of one process, by what they are made of: reading all that a system trusts takes some 20 ms.

    What the files hold is told; a process that nobody tells, such as a command, reads them itself.
    """

    def __init__(self) -> None:
        self._pems: Pems = {}
        self._made: dict[tuple[PemPaths, PemPaths, bool], ssl.SSLContext] = {}

    def learn(self, pems: Pems) -> None:
        """Use what these files hold, from the next connection on."""
        if pems != self._pems:
            self._pems = pems
            self._made.clear()

    def of(self, tls: UpstreamTls) -> ssl.SSLContext:
        """The context for ``tls``. Raises ``PemError``, ``ssl.SSLError`` or ``ValueError`` if its files can't be used."""
        key = (tls.ca_paths, tls.own_paths, tls.insecure_accept_any_certificate)
        known = self._made.get(key)
        if known is None:
            ca, own = self._texts(tls.ca_paths), self._texts(tls.own_paths)
            known = self._made[key] = client_context(tls, ca, own)
        return known

    def _texts(self, paths: PemPaths) -> Texts:
        return self._pems.get(paths) or read_pems(paths)


CLIENT_CONTEXTS: Final = ClientContexts()
"""What this process knows of upstreams: as with the resolver, there is one for all who connect."""
