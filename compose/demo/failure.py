"""The one error that ends the demo with a sentence instead of a traceback."""


class DemoError(Exception):
    """What went wrong and what to do about it; printed as it is, exit 1."""
