"""The monolith as a service sees it: its rows, and its feed of changes."""
