"""Pure: two answers in, their differences out. No clock, socket, store or configuration file."""
