"""What must hold for whatever bytes come, as functions that raise when it does not, and a fuzzer that looks for such bytes."""
