"""Counts that survive their process: cells in files mapped into memory, and the table of their names."""

from stranglerfig.counters.block import BlockInUseError, CounterBlock, Key, read_all
from stranglerfig.counters.histogram import Histogram

__all__ = ["BlockInUseError", "CounterBlock", "Histogram", "Key", "read_all"]
