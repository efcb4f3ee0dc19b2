"""Counts that survive their process: cells in files mapped into memory, and the table of their names."""

from stranglerfig.counters.block import (
    COUNTERS_NAME,
    BlockInUseError,
    CounterBlock,
    Key,
    read_all,
)
from stranglerfig.counters.histogram import Histogram

__all__ = ["COUNTERS_NAME", "BlockInUseError", "CounterBlock", "Histogram", "Key", "read_all"]
