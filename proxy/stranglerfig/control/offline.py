"""``set`` and ``abort`` while no supervisor runs: the same files, written under the same lock.

The next ``fig serve`` takes up both. Workers that a killed supervisor left behind go on with what they know, so the
answer never claims that something is effective.
"""

import time
from pathlib import Path
from typing import Any

from stranglerfig.config.model import Stage
from stranglerfig.control import audit, overrides
from stranglerfig.control.edits import write_stage
from stranglerfig.control.lock import StateLock, read_serve
from stranglerfig.control.refusal import ChangeError, unknown_capability
from stranglerfig.control.source import RefusedError, Source
from stranglerfig.control.takeover import living_orphans
from stranglerfig.routing.override import Override


def set_stage(
    config_path: Path,
    state_dir: Path,
    capability: str,
    stage: Stage,
    percent: float | None,
    *,
    who: str,
    why: str,
) -> dict[str, Any]:
    """Write the stage and lift an abort. Raises ``ChangeError``, ``LockedError``."""
    source = Source(config_path)
    lock = StateLock.acquire(state_dir, "fig set")
    try:
        before = _capability(source, capability)
        edited = write_stage(source, capability, stage, percent, parse=source.parse)
        aborted = _load(state_dir)
        lifted = aborted.pop(capability, None) is not None
        if lifted:
            overrides.save(state_dir, aborted)
        after = edited.written.config.capabilities[capability]
        changed = edited.was_written or lifted
        if changed:
            audit.append(
                state_dir,
                "set",
                who=who,
                why=why,
                capability=capability,
                changed={capability: {"stage": [before, after.stage.value]}},
                digest=edited.written.key[0],
                lifted_abort=lifted,
                running=False,
            )
    finally:
        lock.release()
    return {
        "capability": capability,
        "stage": after.stage.value,
        "percent": after.percent,
        "changed": changed,
        "lifted_abort": lifted,
        **_nothing_runs(state_dir),
    }


def abort(
    config_path: Path, state_dir: Path, capability: str, *, who: str, why: str
) -> dict[str, Any]:
    """Persist an abort, then let the file follow. Raises ``ChangeError``, ``LockedError``, ``OSError``."""
    source = Source(config_path)
    lock = StateLock.acquire(state_dir, "fig abort")
    try:
        aborted = _load(state_dir)
        if capability not in aborted:
            _refuse_unknown(source, capability)
        already = capability in aborted
        if not already:
            aborted[capability] = Override(capability, time.time(), who, why)
            overrides.save(state_dir, aborted)
            audit.append(
                state_dir,
                "abort",
                who=who,
                why=why,
                capability=capability,
                changed={capability: {"aborted": [False, True]}},
                running=False,
            )
        reason = None
        try:
            write_stage(source, capability, Stage.MONOLITH, None, parse=source.parse)
        except ChangeError as error:
            reason = f"{error}; {error.mend}"
    finally:
        lock.release()
    return {
        "capability": capability,
        "already_aborted": already,
        "persisted": True,
        "file_followed": reason is None,
        "file_reason": reason,
        **_nothing_runs(state_dir),
    }


def _nothing_runs(state_dir: Path) -> dict[str, Any]:
    """The part of an answer that says what is effective: nothing, and who goes on as before."""
    return {
        "generation": None,
        "effective_ms": None,
        "workers": [],
        "replaced_workers": [],
        "missing_workers": [],
        "orphans": living_orphans(read_serve(state_dir)),
    }


def _load(state_dir: Path) -> dict[str, Override]:
    try:
        return overrides.load(state_dir)
    except overrides.OverridesError as error:
        raise ChangeError(409, str(error), "see above") from error


def _capability(source: Source, capability: str) -> str | None:
    """The stage that the file gives it now; ``None`` when the file or the capability can't be read."""
    try:
        found = source.parse(source.read()).config.capabilities.get(capability)
    except RefusedError:
        return None
    return found.stage.value if found else None


def _refuse_unknown(source: Source, capability: str) -> None:
    """A misspelt name must not look like an abort; but a broken file is no reason to refuse one."""
    try:
        known = source.parse(source.read()).config.capabilities
    except RefusedError:
        return
    if capability not in known:
        raise unknown_capability(capability, list(known))
