"""stranglerfig: the routing proxy in front of a Django monolith (command ``fig``)."""

__version__ = "0.1.0"
