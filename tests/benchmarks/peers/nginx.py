"""nginx: locations, ``split_clients`` on the user's cookie."""

import re

from benchmarks.peers.job import Job, Place, render
from benchmarks.peers.peer import Gap, Peer, said


class Nginx(Peer):
    """One worker, kept connections to the upstreams, the forwarded headers that ours sets."""

    name = "nginx"
    program = "nginx"
    install = "apt-get install nginx-light"
    cannot = (Gap.NO_USER_COOKIE,)

    def version(self) -> str:
        return re.sub(r".*nginx/(\S+).*", r"\1", said(self.path, "-v").strip())

    def write(self, job: Job, place: Place) -> None:
        pool = "$side" if job.split else "control"
        text = render(
            "nginx.conf",
            place,
            access_log=f"{place.access_log} combined" if job.access_log else "off",
            locations="\n".join(
                f"    location {prefix} {{ proxy_pass http://{pool}; }}" for prefix in job.prefixes
            ),
        )
        (place.folder / "nginx.conf").write_text(text, encoding="utf-8")

    def command(self, place: Place) -> list[str]:
        return [self.path, "-e", "stderr", "-c", str(place.folder / "nginx.conf")]

    def check_command(self, place: Place) -> list[str]:
        return [*self.command(place), "-t"]
