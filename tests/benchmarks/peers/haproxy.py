"""HAProxy: a map of path prefixes, a hash of the user's cookie."""

import os
import re
import signal

from benchmarks.peers.job import PERCENT, USER_COOKIE, Job, Place, render
from benchmarks.peers.peer import Gap, Peer, said


class HAProxy(Peer):
    """One thread; a master that replaces its worker on a reload."""

    name = "haproxy"
    program = "haproxy"
    install = "apt-get install haproxy"
    cannot = (Gap.NO_USER_COOKIE,)

    def version(self) -> str:
        return re.sub(r"(?s)HAProxy version (\S+).*", r"\1", said(self.path, "-v"))

    def write(self, job: Job, place: Place) -> None:
        split = f"use_backend candidate if claimed {{ req.cook({USER_COOKIE}),xxh32,mod(100) lt {PERCENT} }}"
        text = render(
            "haproxy.cfg",
            place,
            log="log stdout format raw local0\n  option httplog" if job.access_log else "no log",
            split=split if job.split else "",
        )
        routes = "".join(f"{prefix} claimed\n" for prefix in job.prefixes)
        (place.folder / "routes.map").write_text(routes, encoding="utf-8")
        (place.folder / "haproxy.cfg").write_text(text, encoding="utf-8")

    def command(self, place: Place) -> list[str]:
        return [self.path, "-W", "-f", str(place.folder / "haproxy.cfg")]

    def check_command(self, place: Place) -> list[str]:
        return [self.path, "-c", "-f", str(place.folder / "haproxy.cfg")]

    def reload(self, pid: int, job: Job, place: Place) -> None:
        self.write(job, place)
        os.kill(pid, signal.SIGUSR2)
