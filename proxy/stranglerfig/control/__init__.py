"""The supervisor: owns sockets, the file, workers and comparer; admin API, metrics, audit."""
