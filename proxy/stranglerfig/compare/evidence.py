"""What the comparer has measured: noise by pairs, comparisons by stratum, fields that were compared. Bounded in every way.

What differs, and every pair, is written before the verdict is counted; what was equal at most half a second later. So a
kill costs some equal comparisons, which makes a bound wider, and never a difference. All of it begins anew
with a capability's stage, share or rules: what was measured of another setting is no evidence of this one.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from stranglerfig.compare.again import Outcome, Refusal
from stranglerfig.compare.diff.difference import Difference
from stranglerfig.compare.evidence_rows import (
    Era,
    FieldRow,
    NoiseRow,
    Paired,
    R,
    Row,
    StratumRow,
    UserRow,
    key_of,
)
from stranglerfig.compare.evidence_store import EVIDENCE_NAME, EvidenceStore
from stranglerfig.compare.pairing import NoiseCount, Place, place_of
from stranglerfig.compare.reading import StoreError
from stranglerfig.compare.rule_term import today
from stranglerfig.compare.rules import Rules
from stranglerfig.compare.stratum import Stratum
from stranglerfig.compare.value_format import format_of
from stranglerfig.compare.verdict import Verdict
from stranglerfig.config.model import Capability, Config

MAX_PLACES: Final = 500  # of one capability
MAX_STRATA: Final = 500  # of one capability
MAX_FIELDS: Final = 1000  # of one capability
MAX_USERS: Final = 50_000  # in all; then nobody new is counted, since nobody can say who is new
PER_USER: Final = 10
"""Comparisons of one user in one stratum that count as trials: they are not independent."""
WRITE_AFTER_S: Final = 0.5

Later = Callable[[float, Callable[[], None]], object]
K = TypeVar("K")
Table: TypeAlias = dict[tuple[Any, ...], K]
"""Rows of one kind by their keys."""


class Evidence:
    """All measures of one comparer."""

    def __init__(self, state_dir: Path, later: Later) -> None:
        """``later`` calls something after so many seconds."""
        self._store = EvidenceStore(state_dir / EVIDENCE_NAME)
        self._later = later
        self._is_due = False
        self._dirty: dict[tuple[type, tuple[Any, ...]], Row] = {}
        self._forgotten: set[str] = set()
        self._eras: Table[Era] = {}
        self._paired: Table[Paired] = {}
        self._noise: Table[NoiseRow] = {}
        self._strata: Table[StratumRow] = {}
        self._users: Table[UserRow] = {}
        self._fields: Table[FieldRow] = {}
        self._is_loaded = self._load()
        self._replaced = self._store.times_replaced

    def begin(self, config: Config, rules: Rules) -> None:
        """Forget what was measured of another stage, share or other rules; to be told each day, since rules end."""
        self._day = today()
        self._setting = config, rules
        for name, capability in config.capabilities.items():
            digest = _digest(capability, rules)
            known = self._eras.get((name,))
            if known is None or known.digest != digest:
                self._forget(name)
                self._touch(self._eras, Era(name, digest, time.time()))
        self.flush()

    @property
    def is_of_today(self) -> bool:
        """Whether the rules are those of today."""
        return self._day == today()

    def noise(self, capability: str, route: str) -> dict[Place, NoiseCount]:
        """What pairs say of the places of a route."""
        return {
            row.where: row.count
            for row in self._noise.values()
            if (row.capability, row.route) == (capability, route)
        }

    def learn(self, capability: str, route: str, outcome: Outcome) -> None:
        """Count the pair of an outcome, and what noise excused or was refused to."""
        if outcome.pairs is None:
            return
        now = time.time()
        if outcome.cause is None:
            paired = self._paired.get((capability, route)) or Paired(capability, route)
            paired.pairs += 1
            self._touch(self._paired, paired)
        for place, pair in outcome.pairs.items():
            if (row := self._row(capability, route, place, now)) is not None:
                setattr(row, pair.value, getattr(row, pair.value) + 1)
        for each in {place_of(each): each for each in outcome.healed}.values():
            if (row := self._row(capability, route, place_of(each), now)) is not None:
                row.healed += 1
        for each in outcome.excused:
            self._excuse(self._row(capability, route, place_of(each), now), each)
        for place, why in outcome.refused.items():
            self._refuse(self._row(capability, route, place, now), why)

    def count(self, capability: str, stratum: Stratum, verdict: Verdict, user: str | None) -> None:
        """Count a comparison in its stratum; ``user`` is a keyed hash, or ``None`` where nothing tells users apart."""
        key = (capability, *stratum)
        row = self._strata.get(key)
        if row is None:
            if _size(self._strata, capability) >= MAX_STRATA:
                return
            row = StratumRow(*key, first_seen=time.time())
        row.compared += 1
        row.last_seen = time.time()
        differs = verdict is Verdict.DIFFERENT
        row.different += differs
        if verdict is Verdict.NOISE:
            row.noise += 1
        elif self._is_trial(row, user) or differs:
            row.trials += 1
            row.events += differs
        self._touch(self._strata, row)

    def look_at(self, capability: str, route: str, found: Iterable[FieldRow]) -> None:
        """Count the fields of one pair of answers."""
        for each in found:
            key = (capability, route, each.path)
            row = self._fields.get(key)
            if row is None:
                if _size(self._fields, capability) >= MAX_FIELDS:
                    continue
                row = FieldRow(*key)
            for name in ("seen", "compared", "empty", "alone", "excused"):
                setattr(row, name, getattr(row, name) + getattr(each, name))
            self._touch(self._fields, row)

    def compared(self, capability: str, stratum: Stratum) -> int:
        """How many comparisons a stratum has."""
        row = self._strata.get((capability, *stratum))
        return row.compared if row is not None else 0

    def flush(self) -> None:
        """Write what is new; what cannot be written now is tried again with what comes next."""
        self._is_due = False
        if not self._is_loaded and not self._load_late():
            return
        if (self._dirty or self._forgotten) and self._store.write(
            self._dirty.values(), self._forgotten
        ):
            self._dirty.clear()
            self._forgotten.clear()
        if self._replaced != self._store.times_replaced:
            self._replaced = self._store.times_replaced
            for table in self._tables():
                self._dirty |= {(type(row), key): row for key, row in table.items()}

    def close(self) -> None:
        """Write what is new and let go of the file."""
        self.flush()
        self._store.close()

    def _is_trial(self, row: StratumRow, user: str | None) -> bool:
        if user is None:
            return True
        key = (row.capability, row.stratum.name, user)
        counted = self._users.get(key)
        if counted is None:
            if len(self._users) >= MAX_USERS:
                return False
            counted = UserRow(*key)
            row.users += 1
        if counted.trials >= PER_USER:
            return False
        counted.trials += 1
        self._touch(self._users, counted)
        return True

    def _row(self, capability: str, route: str, place: Place, now: float) -> NoiseRow | None:
        key = (capability, route, *place)
        row = self._noise.get(key)
        if row is None:
            if _size(self._noise, capability) >= MAX_PLACES:
                return None
            row = NoiseRow(*key, first_seen=now)
        row.last_seen = now
        self._touch(self._noise, row)
        return row

    def _excuse(self, row: NoiseRow | None, difference: Difference) -> None:
        if row is not None:
            row.excused += 1
            row.format = format_of(difference.control)

    def _refuse(self, row: NoiseRow | None, why: Refusal) -> None:
        if row is not None:
            row.refused += 1
            row.refusal = why.value

    def _load(self) -> bool:
        """Take what is stored in the place of what is known; false, and nothing taken, if it can't be read now."""
        try:
            stored = [(table, self._store.read(kind)) for kind, table in self._kinds().items()]
        except StoreError:
            return False
        for table, rows in stored:
            table.clear()
            table.update({key_of(row): row for row in rows})
        return True

    def _load_late(self) -> bool:
        """Load before anything is written: else what could not be read at the start would be overwritten as if it were not there."""
        if not self._load():
            return False
        self._is_loaded = True
        self._dirty.clear()
        self._forgotten.clear()
        self.begin(*self._setting)
        return True

    def _kinds(self) -> dict[type[Any], Table[Any]]:
        return {
            Era: self._eras,
            Paired: self._paired,
            NoiseRow: self._noise,
            StratumRow: self._strata,
            UserRow: self._users,
            FieldRow: self._fields,
        }

    def _tables(self) -> Iterable[Table[Any]]:
        return self._kinds().values()

    def _touch(self, table: dict[tuple[Any, ...], R], row: R) -> None:
        key = key_of(row)
        table[key] = row
        self._dirty[type(row), key] = row
        if not self._is_due:
            self._is_due = True
            self._later(WRITE_AFTER_S, self.flush)

    def _forget(self, capability: str) -> None:
        for table in self._tables():
            for key in [key for key in table if key[0] == capability]:
                del table[key]
        for kind, key in [each for each in self._dirty if each[1][0] == capability]:
            del self._dirty[kind, key]
        self._forgotten.add(capability)


T = TypeVar("T")


def _size(table: dict[tuple[Any, ...], T], capability: str) -> int:
    return sum(key[0] == capability for key in table)


def _digest(capability: Capability, rules: Rules) -> str:
    """What evidence is of. Rules of other capabilities are none of its business, nor is who vouches for one."""
    own = [
        rule.model_dump(mode="json", exclude={"name", "reason", "owner", "expires"})
        for rule in rules.rules
        if rule.capability == capability.name and rule.holds_on(today())
    ]
    text = json.dumps([capability.stage.value, capability.percent, capability.upstream, own])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
