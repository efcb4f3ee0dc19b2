"""The event loop: listener, client session, one exchange, the tee for shadows, the worker process."""
