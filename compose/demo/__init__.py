"""The whole system as local processes: what make demo runs."""
