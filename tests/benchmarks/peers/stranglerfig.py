"""Ours: routing, buckets by the user's cookie, metrics, deadlines, validation of every head."""

import importlib.metadata
import json
import sys
from pathlib import Path

from benchmarks.peers.job import PERCENT, Job, Place, render
from benchmarks.peers.peer import Peer, replace


class Stranglerfig(Peer):
    """One worker; its supervisor and its comparer are processes of their own."""

    name = "stranglerfig"
    program = "fig"
    install = "make setup"

    def missing(self) -> str | None:
        return None if Path(self.path).exists() else f"{self.path} is missing ({self.install})"

    @property
    def path(self) -> str:
        return str(Path(sys.executable).with_name("fig"))

    @property
    def environment(self) -> dict[str, str]:
        # Shadows are signed, as they would be.
        return {"FIG_SECRET": "a-secret-of-the-benchmark"}

    def version(self) -> str:
        return importlib.metadata.version("stranglerfig")

    def write(self, job: Job, place: Place) -> None:
        replace(place.folder / "fig.yaml", config_text(job, place))

    def command(self, place: Place) -> list[str]:
        return [self.path, "serve", "--config", str(place.folder / "fig.yaml")]

    def check_command(self, place: Place) -> list[str]:
        return [self.path, "check", "--config", str(place.folder / "fig.yaml")]

    def reload(self, pid: int, job: Job, place: Place) -> None:
        # It goes by content: the share must really change.
        now = f"percent: {PERCENT}\n" in (place.folder / "fig.yaml").read_text(encoding="utf-8")
        replace(place.folder / "fig.yaml", config_text(job, place, PERCENT + now))


def config_text(job: Job, place: Place, percent: int = PERCENT) -> str:
    """Its fig.yaml."""
    return render(
        "fig.yaml",
        place,
        stage=job.stage or ("canary" if job.split else "monolith"),
        share=percent,
        access_log="access_log: text" if job.access_log else "",
        routes="\n".join(f"      - {json.dumps(f'* {prefix}**')}" for prefix in job.prefixes),
    )
