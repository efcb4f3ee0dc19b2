"""Bytes <-> messages on httptools: framing rules, hop-by-hop and forwarded headers. No sockets."""
