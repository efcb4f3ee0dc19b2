"""What is counted stays counted: across restarts, kills, half-written lines and full tables."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stranglerfig.counters import BlockInUseError, CounterBlock, read_all
from stranglerfig.counters.names import CLIENT_GONE, CONNECTIONS, METRICS, OVERFLOW, REFUSED


def refused(reason: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return REFUSED, (("reason", reason),)


def test_counts_and_cells_are_the_same_after_a_restart(tmp_path: Path) -> None:
    first = CounterBlock.open(tmp_path / "worker-0")
    a, b = first.cell(REFUSED, reason="a"), first.cell(REFUSED, reason="b")
    first.add(a, 3)
    first.cells[b] += 1
    first.close()

    again = CounterBlock.open(tmp_path / "worker-0")
    assert (again.cell(REFUSED, reason="b"), again.cell(REFUSED, reason="a")) == (b, a)
    assert (again.get(a), again.get(b)) == (3, 1)
    again.close()


def test_read_all_adds_up_every_slot_while_they_count(tmp_path: Path) -> None:
    blocks = [CounterBlock.open(tmp_path / f"worker-{slot}") for slot in range(3)]
    for slot, block in enumerate(blocks):
        block.cell(CLIENT_GONE)  # the same name has another cell in each slot
        for _ in range(slot):
            block.cell(REFUSED, reason=f"only {slot}")
        block.add(block.cell(CONNECTIONS), slot + 1)
    assert read_all(tmp_path)[CONNECTIONS, ()] == 6
    for block in blocks:
        block.close()


def test_a_missing_folder_reads_as_nothing(tmp_path: Path) -> None:
    assert read_all(tmp_path / "never") == {}


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    block = CounterBlock.open(tmp_path / "worker-0")
    with pytest.raises(BlockInUseError, match="another process counts"):
        CounterBlock.open(tmp_path / "worker-0")
    block.add(block.cell(CONNECTIONS))
    block.close()
    CounterBlock.open(tmp_path / "worker-0").close()


def test_a_full_table_counts_into_overflow_and_raises_nothing(tmp_path: Path) -> None:
    block = CounterBlock.open(tmp_path / "worker-0", cells=4)
    for number in range(50):
        block.add(block.cell(REFUSED, reason=f"r{number}"))
    counts = read_all(tmp_path)
    assert counts[OVERFLOW, ()] == 47
    assert sum(counts.values()) == 50
    block.close()


def test_a_gauge_is_set_and_never_overwrites_what_overflows(tmp_path: Path) -> None:
    block = CounterBlock.open(tmp_path / "worker-0", cells=2)
    gauge = block.cell(CONNECTIONS)
    for value in (7, 3):
        block.set(gauge, value)
    block.add(block.cell(CLIENT_GONE), 2)
    block.set(block.cell(CLIENT_GONE), 1_790_000_000)
    block.close()
    assert read_all(tmp_path) == {(OVERFLOW, ()): 2, (CONNECTIONS, ()): 3}


def test_a_full_disk_counts_into_overflow_and_cuts_nothing(tmp_path: Path) -> None:
    block = CounterBlock.open(tmp_path / "worker-0")
    block.add(block.cell(REFUSED, reason="before"))
    os.close(block._keys_fd)
    block._keys_fd = os.open("/dev/full", os.O_WRONLY)
    block.add(block.cell(REFUSED, reason="after"))
    block.close()
    assert read_all(tmp_path) == {(OVERFLOW, ()): 1, refused("before"): 1}


def test_a_name_or_label_that_is_not_in_the_table_is_a_mistake_of_the_caller(
    tmp_path: Path,
) -> None:
    block = CounterBlock.open(tmp_path / "worker-0")
    with pytest.raises(KeyError, match="counters/names"):
        block.cell("invented")
    with pytest.raises(KeyError, match="counters/names"):
        block.cell(REFUSED, cause="x")
    block.close()


def test_a_block_can_be_made_larger(tmp_path: Path) -> None:
    small = CounterBlock.open(tmp_path / "worker-0", cells=2)
    small.add(small.cell(CONNECTIONS), 7)
    small.close()
    large = CounterBlock.open(tmp_path / "worker-0", cells=64)
    large.add(large.cell(CLIENT_GONE), 2)
    large.close()
    assert read_all(tmp_path) == {(OVERFLOW, ()): 0, (CONNECTIONS, ()): 7, (CLIENT_GONE, ()): 2}


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_key_line_cut_anywhere_loses_only_keys_that_counted_nothing_yet(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    block = CounterBlock.open(folder / "worker-0", cells=16)
    block.add(block.cell(REFUSED, reason="kept"), 5)
    keys = folder / "worker-0.keys"
    before = keys.stat().st_size
    block.cell(REFUSED, reason="cut off by a kill")
    block.close()
    cut = data.draw(st.integers(before, keys.stat().st_size - 1))
    os.truncate(keys, cut)

    assert read_all(folder) == {(OVERFLOW, ()): 0, refused("kept"): 5}
    again = CounterBlock.open(folder / "worker-0")
    again.add(again.cell(REFUSED, reason="next"), 2)
    again.close()
    assert read_all(folder) == {(OVERFLOW, ()): 0, refused("kept"): 5, refused("next"): 2}


@given(junk=st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_damaged_key_line_never_moves_the_cells_behind_it(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    block = CounterBlock.open(folder / "worker-0", cells=16)
    block.add(block.cell(REFUSED, reason="damaged"), 1)
    block.add(block.cell(REFUSED, reason="behind"), 9)
    block.close()
    keys = folder / "worker-0.keys"
    lines = keys.read_bytes().split(b"\n")
    lines[1] = junk.replace(b"\n", b"")
    keys.write_bytes(b"\n".join(lines))
    assert read_all(folder)[refused("behind")] == 9


COUNT_FOREVER = """
import sys
from pathlib import Path
from stranglerfig.counters import CounterBlock
block = CounterBlock.open(Path(sys.argv[1]))
number = 0
while True:
    block.add(block.cell("refused_requests", reason=str(number % 500)))
    number += 1
    if number == 1000:
        sys.stdout.write("counting\\n"); sys.stdout.flush()
    block.add(block.cell("connections"))
"""


def test_a_killed_process_loses_no_count_and_its_successor_goes_on(tmp_path: Path) -> None:
    seen = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", COUNT_FOREVER, str(tmp_path / "worker-0")],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"counting\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        counts = read_all(tmp_path)
        connections = counts[CONNECTIONS, ()]
        reasons = sum(count for (name, _), count in counts.items() if name == REFUSED)
        assert connections >= seen + 999
        # A kill may fall between the two counts of one round, once per process.
        assert 0 <= reasons - connections <= 3
        seen = connections


def test_every_metric_says_what_it_tells() -> None:
    for metric in METRICS.values():
        assert metric.help.endswith(".")
        assert not metric.name.startswith("fig_")
        assert not metric.name.endswith("_total")


def test_room_for_every_cell_is_taken_when_the_block_is_opened(tmp_path: Path) -> None:
    block = CounterBlock.open(tmp_path / "worker-0")
    status = (tmp_path / "worker-0.cells").stat()
    assert status.st_blocks * 512 >= status.st_size == 8 * len(block.cells)
    block.close()
