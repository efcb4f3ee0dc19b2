"""The proxy beside its peers: the cases, the rounds, the report. Run by ``make bench``."""
