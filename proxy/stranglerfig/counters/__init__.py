"""Counts that survive their process: cells in files mapped into memory, and the table of their names."""
