"""What counts allow one to say: pure functions of numbers, each with its source. No clock, socket, loop or randomness."""
