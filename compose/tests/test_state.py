"""What the demo finds when it starts is not always what a demo that ended well has left."""

from pathlib import Path

from demo.__main__ import _prepare_state
from demo.topology import Topology


def test_a_secret_that_a_killed_demo_left_empty_is_made_anew_and_others_are_kept(
    tmp_path: Path,
) -> None:
    topology = Topology(state=str(tmp_path), secrets=("one", "other"), processes={})
    _prepare_state(topology)
    first, second = sorted((tmp_path / "secrets").iterdir())
    kept = second.read_text()
    first.write_text("")
    _prepare_state(topology)
    assert len(first.read_text()) >= 32
    assert second.read_text() == kept
    assert first.stat().st_mode & 0o077 == 0
