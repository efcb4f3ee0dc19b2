"""The command fig: one file per command."""
