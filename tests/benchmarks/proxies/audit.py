"""Whether a proxy does the job that it is measured at. What the upstream saw is the witness."""

from benchmarks.load.asking import Asker
from benchmarks.load.processes import Failed
from benchmarks.peers.job import PERCENT, USER_COOKIE, Job, Place, user
from benchmarks.peers.peer import Gap, Peer

_ASKED = 100  # users; a split that is drawn anew is off by more than this once in a million runs:
_FAR = 25
_BY_HEADER = {
    "X-Forwarded-For": "forwarded_for",
    "X-Forwarded-Proto": "forwarded_proto",
    "X-Forwarded-Host": "forwarded_host",
    "X-Forwarded-Port": "forwarded_port",
    "X-Real-IP": "real_ip",
}


def audit(peer: Peer, job: Job, place: Place) -> None:
    """Ask as many users would; ``Failed`` names the first thing that is not done and not told in ``peer.cannot``."""
    asker = Asker(place.port)
    try:
        _headers(asker, peer, job, place)
        if job.stage is None:
            _split(asker, peer, job)
    finally:
        asker.close()


def _headers(asker: Asker, peer: Peer, job: Job, place: Place) -> None:
    target = f"{job.prefixes[-1]}seen"
    host = f"127.0.0.1:{place.port}"
    seen = [asker.seen(target, {"Cookie": f"{USER_COOKIE}={user(0)}"}) for _ in range(8)]
    last = seen[-1]
    wanted = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": host,
        "X-Forwarded-Port": str(place.port),
        "X-Real-IP": "127.0.0.1",
    }
    if (path := last.get("path")) != target:
        raise Failed(f"{peer.name} passes on {path!r} for {target!r}: {last}")
    if last["host"] != host:
        raise Failed(f"{peer.name} passes on Host: {last['host']!r}")
    for header, value in wanted.items():
        other = header == "X-Forwarded-For" and Gap.OTHER_ADDRESS in peer.cannot
        if last[_BY_HEADER[header]] != value and not (other and last[_BY_HEADER[header]]):
            raise Failed(f"{peer.name} sets {header}: {last[_BY_HEADER[header]]!r}, not {value!r}")
    ids = {each["request_id"] for each in seen}
    if Gap.NO_REQUEST_ID not in peer.cannot and ("" in ids or len(ids) < len(seen)):
        raise Failed(f"{peer.name} sets no X-Request-Id of its own for each request")
    if max(int(each["requests_of_connection"]) for each in seen) < 2:
        raise Failed(f"{peer.name} keeps no connection to the upstream")


def _split(asker: Asker, peer: Peer, job: Job) -> None:
    target = f"{job.prefixes[0]}seen"
    candidates = moved = 0
    for number in range(_ASKED):
        cookie = f"{USER_COOKIE}={user(number)}"
        first = asker.seen(target, {"Cookie": cookie})
        again = asker.seen(target, {"Cookie": "; ".join([cookie, *first["cookies"]])})
        candidates += first["side"] == "candidate"
        moved += first["side"] != again["side"]
    if abs(candidates - (PERCENT if job.split else 0)) > (_FAR if job.split else 0):
        raise Failed(f"{peer.name} sends {candidates} of {_ASKED} users to the candidate")
    if moved and Gap.EACH_REQUEST not in peer.cannot:
        raise Failed(f"{peer.name} sends {moved} of {_ASKED} users elsewhere on their second visit")
    if asker.seen("/unclaimed/seen", {"Cookie": f"{USER_COOKIE}={user(0)}"})["side"] != "control":
        raise Failed(f"{peer.name} sends what no route claims to the candidate")
