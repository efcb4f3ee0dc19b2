"""What gunicorn.conf.py does to a worker."""

import runpy
import signal
from pathlib import Path

CONF = Path(__file__).resolve().parents[1] / "gunicorn.conf.py"


def test_a_worker_leaves_ctrl_c_to_its_master() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        runpy.run_path(str(CONF))["post_worker_init"](None)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
