"""Which files a config names, what each is for, and what is wrong with them: for ``fig check`` and the supervisor."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from stranglerfig.config.model import Config
from stranglerfig.config.references import Finding
from stranglerfig.config.tls import PemPaths
from stranglerfig.config.yaml_tree import KeyPath
from stranglerfig.tls.facts import Facts, read_ca, read_pair
from stranglerfig.tls.pem import PemError, Texts, read_pems

SOON_DAYS = 14.0
DAY_S = 86400.0


class Use(StrEnum):
    """What files are for."""

    LISTEN = "listen"  # shown to clients
    OWN = "own"  # shown to an upstream
    CA = "ca"  # believed about an upstream


@dataclass(frozen=True, slots=True)
class Need:
    """Files that belong together: what they are for, for whom, and where fig.yaml names them."""

    use: Use
    paths: PemPaths
    upstream: str | None
    where: KeyPath

    def place_of(self, path: str) -> KeyPath:
        """Where in fig.yaml ``path``, one of these files, stands."""
        if self.use is Use.CA:
            return (*self.where, "ca")
        return (*self.where, "certificate" if path == self.paths[0] else "key")


@dataclass(frozen=True, slots=True)
class Held:
    """What the files hold, found to be good; ``facts`` is None for CAs."""

    texts: Texts
    facts: Facts | None


def needs_of(config: Config) -> Iterator[Need]:
    """Every group of files that ``config`` names, those for clients first and in their order."""
    if config.tls is not None:
        for number, files in enumerate(config.tls.all):
            where: KeyPath = ("tls",) if number == 0 else ("tls", "others", number - 1)
            yield Need(Use.LISTEN, files.paths, None, where)
    for name, upstream in config.upstreams.items():
        if upstream.tls is not None:
            here: KeyPath = ("upstreams", name, "tls")
            if upstream.tls.ca_paths:
                yield Need(Use.CA, upstream.tls.ca_paths, name, here)
            if upstream.tls.own_paths:
                yield Need(Use.OWN, upstream.tls.own_paths, name, here)


def examine(need: Need, texts: Texts) -> Held:
    """Look whether files are good for what they are needed for, whatever the time is. Raises ``PemError``."""
    if need.use is Use.CA:
        read_ca(need.paths, texts)
        return Held(texts, None)
    return Held(texts, read_pair(need.paths, texts))


def take_up(
    config: Config, read: Callable[[PemPaths], Texts] = read_pems
) -> tuple[dict[PemPaths, Held], list[Finding]]:
    """Read and examine all that ``config`` names: what is good, and what is wrong with the others."""
    good: dict[PemPaths, Held] = {}
    findings: list[Finding] = []
    for need in needs_of(config):
        try:
            good[need.paths] = examine(need, read(need.paths))
        except PemError as error:
            message = f"{error.path} {error.message}"
            findings.append(Finding(need.place_of(error.path), message, error.mend))
    return good, findings


def doubts(config: Config, good: dict[PemPaths, Held], now: float) -> Iterator[Finding]:
    """Certificates that are not valid now, or will not be for long."""
    for need in needs_of(config):
        held = good.get(need.paths)
        if held is None or held.facts is None:
            continue
        path = need.paths[0]
        left_days = (held.facts.expires_at - now) / DAY_S
        untimely = held.facts.untimely(now)
        if untimely is not None:
            yield Finding(need.place_of(path), f"{path} {untimely}", "renew it")
        elif left_days < SOON_DAYS:
            yield Finding(
                need.place_of(path), f"{path} expires in {left_days:.1f} days", "renew it"
            )
        if need.use is Use.LISTEN and not held.facts.names:
            yield Finding(
                need.place_of(path),
                f"{path} names no host (subjectAltName), so no client will accept it",
                "have it made for the names that clients use",
            )
