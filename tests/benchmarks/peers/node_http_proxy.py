"""Node's http-proxy: a library, so the routes, the split and the request id are code of ours around it."""

import json
import os
import subprocess
from pathlib import Path

from benchmarks.peers.job import PERCENT, TEMPLATES, USER_COOKIE, Job, Place
from benchmarks.peers.peer import FOLDER_VARIABLE, Gap, Peer, find, said


class NodeHttpProxy(Peer):
    """One process."""

    name = "http-proxy"
    program = "node"
    install = "apt-get install nodejs npm; npm install --prefix $BENCH_PEERS http-proxy"
    cannot = (Gap.NO_USER_COOKIE, Gap.NO_RELOAD)

    def missing(self) -> str | None:
        if (without := super().missing()) is not None:
            return without
        done = subprocess.run(
            [self.path, "-e", "require('http-proxy')"],
            env={**os.environ, **self.environment},
            check=False,
            capture_output=True,
        )
        return None if done.returncode == 0 else f"http-proxy is not installed ({self.install})"

    @property
    def environment(self) -> dict[str, str]:
        own = os.environ.get(FOLDER_VARIABLE)
        return {"NODE_PATH": f"{own}/node_modules"} if own else {}

    def version(self) -> str:
        script = "console.log(require('http-proxy/package.json').version)"
        done = subprocess.run(
            [self.path, "-e", script],
            env={**os.environ, **self.environment},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return f"{done.stdout.strip()} on Node {said(find('node') or 'node', '--version').strip().lstrip('v')}"

    def write(self, job: Job, place: Place) -> None:
        told = {
            "port": place.port,
            "control": place.control,
            "candidate": place.candidate,
            "prefixes": job.prefixes,
            "percent": PERCENT if job.split else 0,
            "cookie": USER_COOKIE,
            "accessLog": str(place.access_log) if job.access_log else None,
        }
        (place.folder / "job.json").write_text(json.dumps(told), encoding="utf-8")

    def command(self, place: Place) -> list[str]:
        return [self.path, str(_script()), str(place.folder / "job.json")]

    def check_command(self, place: Place) -> list[str]:
        return [self.path, "--check", str(_script())]


def _script() -> Path:
    return TEMPLATES / "http_proxy.js"
