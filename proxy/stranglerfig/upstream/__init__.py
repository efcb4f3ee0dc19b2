"""Connections to upstreams: the keep-alive pool and one-shot fetches."""
