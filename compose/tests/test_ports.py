"""A port that is taken and a second demo end with a sentence that names them."""

import os
import socket
from pathlib import Path

import pytest

from demo.failure import DemoError
from demo.ports import check_ports_are_free, hold_lock


def test_a_taken_port_is_named_with_the_process_that_wants_it() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(DemoError, match=rf"{port} \(for monolith\)"):
            check_ports_are_free({"monolith": port})
    check_ports_are_free({"monolith": port})


def test_a_second_demo_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    with hold_lock(tmp_path), pytest.raises(DemoError, match=f"process {os.getpid()}"):
        hold_lock(tmp_path)
    hold_lock(tmp_path).close()
