"""Reads the migration guide, proves it, runs it: the pages, the commands they show, the code they quote."""

__version__ = "0.1.0"
