"""A mail server for shops that are tried out: it takes every mail, delivers none, and shows what it took."""
