"""Pure: paths as Django reads them, the compiled table, buckets, and decide() -> Plan. No I/O, clock or randomness."""
