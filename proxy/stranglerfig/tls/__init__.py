"""TLS on both sides: certificates as texts, contexts made of them, and one connection's bytes in and out."""
