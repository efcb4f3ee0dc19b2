"""A lock that could not be had in time."""


class BusyError(Exception):
    """Others hold what is needed; trying again may help."""
