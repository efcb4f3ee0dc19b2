"""Servers that tests need and that are no part of the system: started for the tests alone, gone with them."""
