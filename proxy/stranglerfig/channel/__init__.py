"""The control channel: JSON lines between the supervisor and its children, both ends."""
